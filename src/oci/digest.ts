/**
 * Digests: `ALGORITHM:HEX`.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests
 */
import { createHash, type Hash } from 'node:crypto';
import { ChartError } from '../errors.js';

/** A validated digest string; `parseDigest` is the only way to one that came from outside. */
export type Digest = `${'sha256' | 'sha512'}:${string}`;

export type DigestAlgorithm = 'sha256' | 'sha512';

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/**
 * Checks that `text` is a digest of a supported algorithm in its canonical, lower-case form, so that it may become a
 * path or a URL.
 *
 * @throws ChartError `DIGEST_INVALID`
 *
 * @example
 * ```ts
 * import { isChartError, parseDigest } from 'helm-chart-cache';
 *
 * try {
 *   parseDigest('sha256:../../etc/passwd');
 * } catch (error) {
 *   console.log(isChartError(error, 'DIGEST_INVALID')); // true
 * }
 * ```
 */
export function parseDigest(text: unknown): Digest {
  if (typeof text === 'string' && isDigest(text)) return text;
  const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 160)) : String(typeof text);
  throw new ChartError(
    'DIGEST_INVALID',
    `${shown} is not a digest (sha256: and 64, or sha512: and 128, lower-case hex digits)`,
  );
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, 6) as DigestAlgorithm;
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

/**
 * The digest of bytes at hand; for streams use `Digester`.
 *
 * @example
 * ```ts
 * import { digestOf } from 'helm-chart-cache';
 *
 * console.log(digestOf(new TextEncoder().encode('{}')).slice(0, 14)); // sha256:44136fa
 * ```
 */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Hashes and counts what passes through. */
export class Digester {
  readonly algorithm: DigestAlgorithm;
  #hash: Hash;
  #size = 0;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /** May be called once. */
  digest(): Digest {
    return `${this.algorithm}:${this.#hash.digest('hex')}`;
  }
}
