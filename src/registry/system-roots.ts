/**
 * The authorities that the system trusts: those that an administrator has added to it are what Helm and Docker go by.
 * Node.js has roots of its own, so these are read only where those do not suffice.
 */
import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';
import { certificatesIn } from './tls.js';

/** Where systems keep them as one file; the first that there is counts. The same places as in Go's crypto/x509. */
const FILES: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/etc/ssl/cert.pem',
];

/**
 * In PEM form; empty where there are none that can be read.
 *
 * @param named files that somebody named for the purpose; those that cannot be read count for nothing, as with OpenSSL
 */
export async function readSystemRoots(named: readonly string[] = []): Promise<string[]> {
  const own = await Promise.all(named.map(readFrom));
  return [...own.flat(), ...(await platformRoots())];
}

async function platformRoots(): Promise<string[]> {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'system') => string[] };
  if (process.platform === 'win32' || process.platform === 'darwin') return getCACertificates?.('system') ?? [];
  for (const file of FILES) {
    const found = await readFrom(file);
    if (found.length > 0) return found;
  }
  return [];
}

async function readFrom(file: string): Promise<string[]> {
  try {
    return certificatesIn(await readFile(file, 'utf8'));
  } catch {
    return [];
  }
}
