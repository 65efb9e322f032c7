/**
 * Public keys out of a file: GnuPG's old `pubring.gpg`, what `gpg --export` writes, or the same with `--armor`.
 *
 * https://www.rfc-editor.org/rfc/rfc9580#section-10.1
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PublicKey } from 'openpgp';
import { ChartError, systemErrorCode } from '../../errors.js';
import { systemWords } from '../system-words.js';

/** Bytes; some ten thousand keys. */
const SIZE_LIMIT = 64 * 1024 * 1024;
const ARMOURED = /^-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----\r?$[\s\S]*?^-----END PGP \1 KEY BLOCK-----/gm;

/**
 * Reads all keys of a file; of private keys the public half.
 *
 * @throws ChartError `KEYRING_INVALID`
 */
export async function readKeyring(path: string): Promise<PublicKey[]> {
  const bytes = readFile(path);
  if (bytes.subarray(8, 12).toString('latin1') === 'KBXf') {
    throw new ChartError('KEYRING_INVALID', `${path} is a keybox of GnuPG 2, which only GnuPG reads`, { hint: EXPORT });
  }
  const { readKeys } = await import('openpgp');
  try {
    // The first byte of a packet has its highest bit set, which no text has there.
    const isText = ((bytes[0] ?? 0) & 0x80) === 0;
    const blocks = isText ? [...bytes.toString('latin1').matchAll(ARMOURED)].map(([block]) => block) : [];
    const found = await Promise.all(
      blocks.length > 0
        ? blocks.map((armoredKeys) => readKeys({ armoredKeys }))
        : [readKeys({ binaryKeys: new Uint8Array(bytes) })],
    );
    const keys = found.flat().map((key) => key.toPublic());
    if (keys.length > 0) return keys;
  } catch (cause) {
    throw noKeys(path, cause);
  }
  throw noKeys(path);
}

function noKeys(path: string, cause?: unknown): ChartError {
  const words = cause instanceof Error ? `: ${cause.message}` : '';
  return new ChartError('KEYRING_INVALID', `${path} holds no OpenPGP keys that can be read${words}`, {
    hint: EXPORT,
    cause,
  });
}

const EXPORT = 'Write the keys to a file with "gpg --export > keys.gpg" and name it with --keyring.';

function readFile(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size > SIZE_LIMIT) {
      throw new ChartError('KEYRING_INVALID', `${path} has ${size} bytes; at most ${SIZE_LIMIT} are read`, {
        hint: EXPORT,
      });
    }
    return readFileSync(path);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === undefined) throw cause;
    throw new ChartError('KEYRING_INVALID', `cannot read the keyring ${path}: ${systemWords(cause)}`, {
      hint: code === 'ENOENT' ? missingHint(path) : undefined,
      cause,
    });
  }
}

/** GnuPG since 2.1 keeps its keys in a file that only GnuPG reads. */
function missingHint(path: string): string {
  const hasKeybox = existsSync(join(dirname(path), 'pubring.kbx'));
  if (!hasKeybox)
    return 'Name a file with the public keys that you trust with --keyring; "gpg --export > keys.gpg" writes one.';
  return `GnuPG keeps its keys in pubring.kbx there. Write them out with "gpg --export > ${path}", or name a file with --keyring.`;
}
