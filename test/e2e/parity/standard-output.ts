/** Standard output: digests, sizes and ages are put into the recorded text as they must be now. */
import type { CacheState, Entry } from './cache-state.js';
import type { Observation } from './replay.js';
import { withoutLog } from './standard-error.js';

export interface Terms {
  /**
   * For Helm itself: with several references in the cache it prints the digest of any of them, and it packs sibling
   * subcharts in any order. Both change from run to run.
   */
  readonly luck?: boolean;
}

/** The recorded text with the digests, sizes and ages that are right now. */
export function expectedStdout(text: string | RegExp, seen: Observation, terms: Terms): string | RegExp {
  if (text instanceof RegExp) return text;
  const own = withoutLog(text);
  return own.startsWith('REF') ? expectedTable(own, seen, terms) : expectedSummary(own, seen, terms);
}

/**
 * `digest:` must be what index.json holds for the reference, and `size:` the size of the layer's file as Helm writes it:
 * the recorded ones came from another clock, another deflate, and Helm's own rewriting of Chart.yaml.
 */
function expectedSummary(text: string, seen: Observation, terms: Terms): string {
  let size = '';
  return text
    .replace(
      /^ref: {5}(.*)\ndigest: {2}([0-9a-f]{64})\nsize: {4}(.*)$/m,
      (_match, ref: string, _digest, was: string) => {
        const printed = /^digest: {2}([0-9a-f]+)$/m.exec(seen.stdout)?.[1];
        const entry = choose(seen.cache, ref, printed);
        const any = terms.luck && seen.cache.some(({ digest }) => digest === printed);
        size = entry?.size === undefined ? was : formatSize(entry.size);
        return `ref:     ${ref}\ndigest:  ${any ? printed : entry?.digest}\nsize:    ${size}`;
      },
    )
    .replace(/\(1 layer, .* total\)/, `(1 layer, ${size} total)`);
}

/**
 * DIGEST and SIZE likewise. CREATED must be the age of the layer's file at some moment of the run. REF, NAME and VERSION
 * stay as recorded, padding included; the last three columns are padded anew to their widest cell.
 */
export function expectedTable(
  text: string,
  seen: Pick<Observation, 'stdout' | 'cache' | 'started' | 'ended'>,
  terms: Terms,
): string {
  const [header = [], ...rows] = cells(text);
  if (rows.length === 0) return text;
  const printed = cells(seen.stdout).slice(1);
  const fresh = rows.map((row) => {
    const ref = (row[0] as string).trimEnd();
    const own = printed.find((other) => other[0]?.trimEnd() === ref);
    const entry = choose(seen.cache, ref, own?.[3]?.trimEnd());
    const digest =
      terms.luck && seen.cache.some((any) => any.digest.startsWith(own?.[3] ?? '-')) ? own?.[3] : entry?.digest;
    const ages =
      entry?.written === undefined ? [] : agesBetween(seen.started - entry.written, seen.ended - entry.written);
    const age = ages.includes(own?.[5]?.trimEnd() ?? '') ? own?.[5]?.trimEnd() : ages[0];
    return [digest?.slice(0, 7), entry?.size === undefined ? undefined : formatSize(entry.size), age].map(String);
  });
  const last = [header.slice(3).map((cell) => cell.trimEnd()), ...fresh];
  const widths = [0, 1, 2].map((column) => Math.max(...last.map((row) => (row[column] as string).length)));
  const lines = [header, ...rows].map((row, index) => {
    const anew = (last[index] as string[]).map((cell, column) => cell.padEnd(widths[column] as number));
    return [...row.slice(0, 3), ...anew].join('\t');
  });
  return `${lines.join('\n')}\n`;
}

function cells(table: string): string[][] {
  return table
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

/** The entry that is meant; of several with one name the one whose digest was printed. A cell of over 60 is cut. */
function choose(cache: CacheState, ref: string, digest: string | undefined): Entry | undefined {
  const named = cache.filter(
    (entry) => entry.ref.trimEnd() === ref.trimEnd() || (ref.endsWith('...') && entry.ref.startsWith(ref.slice(0, -3))),
  );
  return named.find((entry) => digest !== undefined && entry.digest.startsWith(digest)) ?? named.at(-1);
}

/** `192 B`, `3.9 KiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.floor(Math.log(bytes) / Math.log(1024));
  return `${(bytes / 1024 ** power).toFixed(1)} ${'KMGTPE'[power - 1]}iB`;
}

/** The texts for every whole second of a span of milliseconds. */
function agesBetween(from: number, to: number): string[] {
  const texts = new Set<string>();
  for (let second = Math.floor(from / 1000); second <= Math.floor(to / 1000); second++) texts.add(ageText(second));
  return [...texts];
}

/** Helm's words for an age in seconds. */
export function ageText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600 + 0.5);
  const days = Math.floor(hours / 24);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  if (minutes < 60) return minutes === 1 ? 'About a minute' : `${minutes} minutes`;
  if (hours < 48) return hours === 1 ? 'About an hour' : `${hours} hours`;
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  if (days < 730) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(Math.floor(seconds / 3600) / 24 / 365)} years`;
}
