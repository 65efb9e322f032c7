/** TLS material: whom to trust beside the system's roots, and what to identify with. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';
import { ChartError } from '../errors.js';

export interface TlsOptions {
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** PEM file of certificate authorities to trust beside the usual ones. */
  readonly caFile?: string | undefined;
  /** PEM files of the client certificate and its key; shown to the registry's own origin only. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** PEM files whose authorities count as the system's; those that cannot be read count for nothing. */
  readonly systemCaFiles?: readonly string[] | undefined;
}

export interface TlsContexts {
  /** For the registry's own origin: with the client certificate. */
  readonly own: tls.SecureContext | undefined;
  /** For token servers and where blobs are redirected to: without it. */
  readonly others: tls.SecureContext | undefined;
}

/**
 * Reads the files once, so that opening a connection costs no parsing.
 *
 * @param systemRoots authorities to trust beside all others
 * @throws ChartError `REGISTRY_TLS`
 */
export async function readTlsContexts(
  { caFile, certFile, keyFile }: TlsOptions,
  systemRoots: readonly string[] = [],
): Promise<TlsContexts> {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ChartError('USAGE', 'a client certificate needs both --cert-file and --key-file');
  }
  const named = caFile === undefined ? [] : [await readCertificates(caFile)];
  const ca = named.length + systemRoots.length > 0 ? [...defaultRoots(), ...named, ...systemRoots] : undefined;
  const others = ca && tls.createSecureContext({ ca });
  if (certFile === undefined || keyFile === undefined) return { own: others, others };
  const [cert, key] = [await readPem(certFile), await readPem(keyFile)];
  try {
    if (!key.includes('PRIVATE KEY-----')) throw new Error('there is no private key in it');
    return { own: tls.createSecureContext({ cert, key, ...(ca && { ca }) }), others };
  } catch (cause) {
    throw new ChartError('REGISTRY_TLS', `the client certificate ${certFile} and the key ${keyFile} cannot be used`, {
      hint: 'Both must be PEM files, the key without a passphrase, and they must belong together.',
      cause,
    });
  }
}

/** The roots that are trusted without any option; NODE_EXTRA_CA_CERTS among them where Node.js tells. */
function defaultRoots(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  return getCACertificates?.('default') ?? tls.rootCertificates;
}

async function readCertificates(file: string): Promise<string> {
  const pem = await readPem(file);
  const certificates = certificatesIn(pem);
  if (certificates.length === 0) {
    throw new ChartError('REGISTRY_TLS', `${file} holds no certificate`, {
      hint: 'It must be in PEM form: text with -----BEGIN CERTIFICATE-----.',
    });
  }
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (cause) {
    throw new ChartError('REGISTRY_TLS', `${file} holds a certificate that cannot be read`, { cause });
  }
  return certificates.join('\n');
}

/** The certificates of a text in PEM form, each by itself. */
export function certificatesIn(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    // "ENOENT: no such file or directory, open '...'"
    const reason = (cause as Error).message.replace(/^[A-Z]+: |, \w+(?: '.*')?$/gs, '');
    throw new ChartError('REGISTRY_TLS', `cannot read ${file}: ${reason}`, { cause });
  }
}
