/** Signed charts, in the cache and beside it: does a provenance file prove that this is the chart that somebody signed? */
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { ChartParts } from '../artifact.js';
import { checkChartArchive } from '../chart/archive/check.js';
import { readKeyring, type SignedArchive, type Signer, verifyProvenance } from '../chart/provenance/verify.js';
import { openChartSource } from '../chart/source.js';
import { ChartError } from '../errors.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import { Digester } from '../oci/digest.js';
import { entryFinder, type NamedEntry, readCachedChart } from './cached-chart.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapConcurrent } from './parallel.js';
import { hashed, readVerified, unpacking } from './verified-blob.js';

/** What a good provenance file proves. */
export interface Provenance {
  /** Who signed; all of their keys are in the keyring. */
  readonly signers: readonly Signer[];
  /** `sha256:` and the hash of the packed chart. */
  readonly hash: string;
}

export interface CheckedProvenance extends Provenance {
  /** The reference as index.json has it, or the path of a file. */
  readonly ref: string;
  readonly name: string;
  readonly version: string;
}

export interface ProvenanceDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

type Keys = Awaited<ReturnType<typeof readKeyring>>;

const CONCURRENCY = 2;

/**
 * Checks the provenance of charts: by reference in the cache, or `.tgz` files with a `.prov` beside them.
 *
 * @throws ChartError `KEYRING_INVALID`: then none is checked
 */
export async function checkProvenances(
  { layout, signal }: ProvenanceDependencies,
  { items, keyring }: { readonly items: readonly string[]; readonly keyring: string },
  onOutcome: (index: number, outcome: Outcome<CheckedProvenance>) => void,
): Promise<void> {
  const keys = await readKeyring(keyring);
  const index = await layout.readIndex();
  const find = entryFinder(index);
  await mapConcurrent(items, CONCURRENCY, async (item, position) => {
    const outcome = await outcomeOf(item, () =>
      isFile(index, item) ? checkFile(item, keys, signal) : checkCached(layout, find, item, keys, signal),
    );
    onOutcome(position, outcome);
  });
}

/** A name in the cache wins over a file of that name. */
function isFile(index: readonly IndexEntry[], item: string): boolean {
  return /\.tgz$/i.test(item) && !index.some(({ name }) => name === item);
}

async function checkFile(path: string, keys: Keys, signal?: AbortSignal): Promise<CheckedProvenance> {
  const source = await openChartSource(path, { signal });
  if (source.kind !== 'archive') {
    throw new ChartError('PROVENANCE_MISSING', `${path}: unpacked charts cannot be verified`, {
      hint: 'A signature is over a packed chart: name the .tgz file.',
    });
  }
  const provenance = await source.readProvenance?.();
  if (provenance === undefined) {
    throw new ChartError('PROVENANCE_MISSING', `could not load provenance file ${path}.prov: there is none`, {
      hint: '"helm package --sign" writes one beside the packed chart.',
    });
  }
  const { name, version } = source.metadata;
  const archive = { name, version, fileName: basename(path), hash: await hashOf(await source.open()) };
  return { ref: path, name, version, ...(await verifyProvenance(provenance, archive, keys)) };
}

async function checkCached(
  layout: Layout,
  find: (text: string) => NamedEntry,
  text: string,
  keys: Keys,
  signal?: AbortSignal,
): Promise<CheckedProvenance> {
  const { ref, parts } = await readCachedChart(layout, find(text));
  return { ref, ...(await checkParts(layout, ref, parts, keys, signal)) };
}

/** Hashes the layer and reads the chart in it. @throws ChartError `PROVENANCE_MISSING`, `PROVENANCE_INVALID`; what reading throws */
async function checkParts(
  layout: Layout,
  ref: string,
  parts: ChartParts,
  keys: Keys,
  signal?: AbortSignal,
): Promise<Omit<CheckedProvenance, 'ref'>> {
  const provenance = await layout.readSmallBlob(provenanceOf(ref, parts), { signal });
  const { layer } = parts;
  const digester = new Digester('sha256');
  const open = async (): Promise<Readable> => hashed(await readVerified(layout, layer, { signal }), digester);
  const { metadata } = await unpacking(layout, layer, () => checkChartArchive(open, { signal }));
  const { name, version } = metadata;
  const archive = { ...archiveName({ name, version }), hash: digester.digest() };
  return { name, version, ...(await verifyProvenance(provenance, archive, keys)) };
}

/** GHSA-q5jf-9vfq-h4h7: without a provenance file there is nothing that could have been verified. */
function provenanceOf(ref: string, { provenance }: ChartParts) {
  if (provenance) return provenance;
  throw new ChartError('PROVENANCE_MISSING', `${ref} has no provenance file`, {
    hint: 'It was not signed, or saved without its .prov: what is signed is saved from a .tgz with the .prov beside it.',
  });
}

/** As `helm package` names the file that it signs. */
function archiveName({ name, version }: Pick<SignedArchive, 'name' | 'version'>): Omit<SignedArchive, 'hash'> {
  return { name, version, fileName: `${name}-${version}.tgz` };
}

async function hashOf(content: Readable): Promise<string> {
  const digester = new Digester('sha256');
  for await (const chunk of content) digester.update(chunk);
  return digester.digest();
}

/** What a pull asks before it fetches a chart, and again of what came. */
export interface PullVerification {
  /**
   * Of what the registry says: the signature, and that it is over a packed chart of this name and hash. Nothing is stored.
   *
   * @param read a blob of the artifact, compared with its digest
   */
  beforeCopy(ref: string, parts: ChartParts, read: (blob: ChartParts['config']) => Promise<Uint8Array>): Promise<void>;
  /** Of what is in the cache: as `chart verify --provenance`. */
  afterCopy(ref: string, parts: ChartParts): Promise<Provenance>;
}

/** @throws ChartError `KEYRING_INVALID` */
export async function openPullVerification(
  { layout, signal }: ProvenanceDependencies,
  keyring: string,
): Promise<PullVerification> {
  const keys = await readKeyring(keyring);
  return {
    async beforeCopy(ref, parts, read) {
      const provenance = await read(provenanceOf(ref, parts));
      const { parseConfig } = await import('../chart/config.js');
      const { name, version } = parseConfig(await read(parts.config));
      // Of a layer that goes by another hash it can only be told when it is here.
      if (!parts.layer.digest.startsWith('sha256:')) return;
      await verifyProvenance(provenance, { ...archiveName({ name, version }), hash: parts.layer.digest }, keys);
    },
    async afterCopy(ref, parts) {
      const { signers, hash } = await checkParts(layout, ref, parts, keys, signal);
      return { signers, hash };
    },
  };
}
