/**
 * The signatures of a clear-signed message. Every one of them has to be good, by a key of the keyring that is valid when
 * it signed and valid now: a message with one bad signature is not better than one with none.
 */
import type { CleartextMessage, PublicKey } from 'openpgp';
import { ChartError } from '../../errors.js';

export interface Signer {
  /** `Alice <alice@example.com>`: all names that the key itself vouches for. */
  readonly names: readonly string[];
  /** Of the primary key, in upper-case hex. */
  readonly fingerprint: string;
}

export interface VerifiedMessage {
  readonly signers: readonly Signer[];
  /** What was signed, with `\n` at the ends of lines. */
  readonly text: string;
}

/**
 * @param message as `clearSignedText` gives it
 * @param now expired keys are refused also where they were valid when they signed, as by Helm
 * @throws ChartError `PROVENANCE_INVALID`
 */
export async function verifyClearSigned(
  message: string,
  keys: readonly PublicKey[],
  now = new Date(),
): Promise<VerifiedMessage> {
  const parsed = await read(message);
  const results = await parsed.verify([...keys], now);
  // The library passes over signatures of other kinds and versions.
  if (results.length === 0 || results.length !== parsed.getSigningKeyIDs().length) {
    throw bad('it is not signed in a way that can be checked');
  }
  const signers: Signer[] = [];
  for (const { keyID, verified } of results) {
    const key = keys.find((candidate) => candidate.getKeys(keyID).length > 0);
    if (key === undefined) throw unknownSigner(keyID.toHex());
    try {
      await verified;
      await key.getSigningKey(keyID, now);
    } catch (cause) {
      throw bad(`signature by ${fingerprintOf(key)}: ${wordsOf(cause)}`, cause);
    }
    signers.push({ names: await namesOf(key, now), fingerprint: fingerprintOf(key) });
  }
  return { signers, text: parsed.getText() };
}

async function read(message: string): Promise<CleartextMessage> {
  const { readCleartextMessage } = await import('openpgp');
  try {
    return await readCleartextMessage({ cleartextMessage: message });
  } catch (cause) {
    throw bad(wordsOf(cause), cause);
  }
}

/** A name that anybody could have added to somebody else's key is not shown. */
async function namesOf(key: PublicKey, now: Date): Promise<string[]> {
  const users = await key.verifyAllUsers(undefined, now);
  const vouched = new Set(users.flatMap(({ userID, valid }) => (valid && userID ? [userID] : [])));
  return key.getUserIDs().filter((name) => vouched.has(name));
}

function fingerprintOf(key: PublicKey): string {
  return key.getFingerprint().toUpperCase();
}

function unknownSigner(keyId: string): ChartError {
  return new ChartError('PROVENANCE_INVALID', `signed by the key ${keyId.toUpperCase()}, which is not in the keyring`, {
    hint: 'If you trust that key, add it to the keyring, or name another keyring with --keyring.',
  });
}

function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.replace(/^Error:? /i, '');
}

function bad(reason: string, cause?: unknown): ChartError {
  return new ChartError('PROVENANCE_INVALID', `the signature does not hold: ${reason}`, {
    hint: 'Do not use this chart before you know why.',
    cause,
  });
}
