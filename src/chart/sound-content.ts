/**
 * What was read once and found sound, so that the same content is not read again: versions of a chart often hold the very same
 * values.yaml, and reading YAML is most of what it costs to check a chart.
 */
import { createHash } from 'node:crypto';

/** Digests that are remembered, some 100 bytes each. */
const CAPACITY = 10_000;
const sound = new Set<string>();

/**
 * Has `check` look at the content unless the very same bytes have passed it in this process.
 *
 * @param purpose tells one check from another
 * @throws what `check` throws; nothing is remembered then
 */
export function checkOnce(purpose: string, bytes: Uint8Array, check: (bytes: Uint8Array) => void): void {
  const key = createHash('sha256').update(purpose).update('\0').update(bytes).digest('base64');
  if (sound.has(key)) return;
  check(bytes);
  if (sound.size >= CAPACITY) sound.clear();
  sound.add(key);
}
