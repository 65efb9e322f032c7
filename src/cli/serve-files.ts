/** The files that `serve` reads when it starts and again at SIGHUP: certificate, key and passwords. */
import { readFile } from 'node:fs/promises';
import { ChartError } from '../errors.js';
import type { Access } from '../server/access.js';
import type { Passwords } from '../server/passwords.js';
import type { KeyPair } from '../server/server.js';
import type { Context } from './context.js';
import { readFault } from './read-fault.js';
import type { ServeOptions } from './serve-options.js';

export interface ServeFiles {
  /** Undefined where nobody is asked for a password. */
  readonly access: Access | undefined;
  readonly tls: KeyPair | undefined;
  /** What takes a certificate that was read again; it may refuse it. */
  onTls(renew: (pair: KeyPair) => void): void;
}

/** What cannot be used at SIGHUP is reported, and what was read before goes on, all of it. @throws ChartError at the start */
export async function openServeFiles(context: Context, options: ServeOptions): Promise<ServeFiles> {
  const readPasswords = await passwordReader(options);
  let passwords = await readPasswords();
  const tls = await readTls(options);
  let renew: (pair: KeyPair) => void = () => {};
  const reload = async (): Promise<void> => {
    const read = await Promise.all([readPasswords(), readTls(options)]);
    if (read[1]) renew(read[1]);
    passwords = read[0];
  };
  context.onHangup(() => {
    reload().then(
      () => context.stderr.write('Read the certificate and the passwords again.\n'),
      (error: unknown) => context.printWarning(`everything stays as it was: ${(error as Error).message}`),
    );
  });
  const onTls = (listener: (pair: KeyPair) => void): void => {
    renew = listener;
  };
  if (passwords === undefined) return { access: undefined, tls, onTls };
  const { createAccess } = await import('../server/access.js');
  const { anonymousRead } = options;
  return { access: createAccess({ passwords: () => passwords as Passwords, anonymousRead }), tls, onTls };
}

async function passwordReader({ htpasswd }: ServeOptions): Promise<() => Promise<Passwords | undefined>> {
  if (htpasswd === undefined) return async () => undefined;
  const [{ parseHtpasswd }, { Passwords }, { startBcrypt }] = await Promise.all([
    import('../server/htpasswd.js'),
    import('../server/passwords.js'),
    import('../server/bcrypt.js'),
  ]);
  const compare = startBcrypt();
  return async () => new Passwords(parseHtpasswd(await read(htpasswd), htpasswd), compare);
}

async function readTls({ tlsCert, tlsKey }: ServeOptions): Promise<KeyPair | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const [cert, key] = await Promise.all([read(tlsCert), read(tlsKey)]);
  return { cert, key };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ChartError('USAGE', `cannot read ${file}: ${readFault(cause)}`, { cause });
  }
}
