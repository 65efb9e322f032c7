/** Certificates for tests, made by `openssl`: an authority, and what it signs. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  /** Files in PEM form. */
  readonly cert: string;
  readonly key: string;
  /** Their texts. */
  readonly pem: { readonly cert: string; readonly key: string };
}

export interface Authority extends Certificate {
  issue(name: string, options?: IssueOptions): Certificate;
}

export interface IssueOptions {
  /** Subject alternative names; `DNS:localhost,IP:127.0.0.1` if absent. */
  readonly names?: string;
  /** From its first day to its last one, relative to today; -1 and 1 if absent. */
  readonly days?: readonly [from: number, to: number];
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes an authority of its own in that directory. */
export function makeAuthority(directory: string, name = 'ca'): Authority {
  const authority = at(directory, name);
  openssl([
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    authority.key,
    '-out',
    authority.cert,
    '-subj',
    `/CN=test ${name}`,
    '-days',
    '2',
  ]);
  return {
    ...read(authority),
    issue(leaf, { names = 'DNS:localhost,IP:127.0.0.1', days = [-1, 1] } = {}) {
      const made = at(directory, leaf);
      const [request, config] = [join(directory, `${leaf}.csr`), join(directory, `${leaf}.cnf`)];
      const database = join(directory, `${leaf}.db`);
      writeFileSync(database, '');
      writeFileSync(
        config,
        `[ca]\ndefault_ca=d\n[d]\ndatabase=${database}\nnew_certs_dir=${directory}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n` +
          `x509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=${names}\n`,
      );
      openssl(['req', ...NEW_KEY, '-keyout', made.key, '-out', request, '-subj', `/CN=test ${leaf}`]);
      const [from, to] = days.map((day) => utc(day)) as [string, string];
      const signed = ['-cert', authority.cert, '-keyfile', authority.key, '-startdate', from, '-enddate', to];
      openssl(['ca', '-batch', '-notext', '-config', config, '-in', request, '-out', made.cert, ...signed]);
      return read(made);
    },
  };
}

function at(directory: string, name: string): { cert: string; key: string } {
  return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
}

function read({ cert, key }: { cert: string; key: string }): Certificate {
  return { cert, key, pem: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } };
}

function utc(days: number): string {
  const date = new Date(Date.now() + days * 86_400_000);
  return `${date.toISOString().replace(/[-:T]|\..*/g, '')}Z`;
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
