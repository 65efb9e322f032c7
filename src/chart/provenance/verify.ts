/** Is this archive the one that somebody of the keyring signed? As `helm verify` asks it, and as strict or stricter. */
import type { PublicKey } from 'openpgp';
import { ChartError } from '../../errors.js';
import { clearSignedText, parseStatement } from './message.js';
import { type Signer, verifyClearSigned } from './signature.js';

export { readKeyring } from './keyring.js';
export type { Signer } from './signature.js';

/** A packed chart, as far as a provenance file speaks of it. */
export interface SignedArchive {
  /** Name and version in the Chart.yaml within the archive. */
  readonly name: string;
  readonly version: string;
  /** The name of its file: `app-1.0.0.tgz`. */
  readonly fileName: string;
  /** `sha256:` and the hash of its bytes. */
  readonly hash: string;
}

export interface VerifiedProvenance {
  readonly signers: readonly Signer[];
  readonly hash: string;
}

/**
 * Checks signature, then file name and hash in the signed text, then the signed metadata.
 *
 * @param provenance the `.prov` file
 * @throws ChartError `PROVENANCE_INVALID`
 */
export async function verifyProvenance(
  provenance: Uint8Array,
  { name, version, fileName, hash }: SignedArchive,
  keys: readonly PublicKey[],
): Promise<VerifiedProvenance> {
  const { text, signers } = await verifyClearSigned(clearSignedText(provenance), keys);
  const { metadata, files } = parseStatement(text);
  const signed = files.get(fileName);
  if (signed === undefined)
    throw mismatch(`provenance does not contain a SHA for a file named ${JSON.stringify(fileName)}`);
  if (signed !== hash) {
    throw mismatch(`sha256 sum does not match for ${fileName}: ${JSON.stringify(signed)} != ${JSON.stringify(hash)}`);
  }
  if (metadata.name !== name || metadata.version !== version) {
    throw mismatch(`what was signed is ${metadata.name} ${metadata.version}, but the archive holds ${name} ${version}`);
  }
  return { signers, hash };
}

function mismatch(message: string): ChartError {
  return new ChartError('PROVENANCE_INVALID', message, {
    hint: 'The signature is good, but for another chart: do not use this one.',
  });
}
