/** Keys and signed charts for tests, made by the OpenPGP library; gpg.test.ts does the same with GnuPG. */
import {
  createCleartextMessage,
  generateKey,
  type PartialConfig,
  type PrivateKey,
  type PublicKey,
  sign,
} from 'openpgp';
import type { SignedArchive } from '../../../src/chart/provenance/verify.js';

export const ARCHIVE: SignedArchive = {
  name: 'app',
  version: '1.0.0',
  fileName: 'app-1.0.0.tgz',
  hash: `sha256:${'ab'.repeat(32)}`,
};

export const METADATA = 'apiVersion: v2\nname: app\nversion: 1.0.0\n';
export const SUMS = `files:\n  app-1.0.0.tgz: ${ARCHIVE.hash}\n`;
/** As `helm package --sign` puts it together. */
export const STATEMENT = `${METADATA}\n...\n${SUMS}`;

export async function makeKey(name = 'Alice', options: Partial<Parameters<typeof generateKey>[0]> = {}) {
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name, email: `${name.toLowerCase()}@example.com` }],
    format: 'object',
    ...options,
  } as Parameters<typeof generateKey>[0] & { format: 'object' });
  return { privateKey: privateKey as PrivateKey, publicKey: (privateKey as PrivateKey).toPublic() as PublicKey };
}

export async function signed(
  text: string,
  keys: PrivateKey | PrivateKey[],
  options: { date?: Date; config?: PartialConfig } = {},
): Promise<string> {
  const message = await createCleartextMessage({ text });
  return sign({ message, signingKeys: keys, ...options });
}
