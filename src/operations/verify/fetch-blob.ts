/** One blob from a registry that the references which need it name, by digest. */
import { Readable } from 'node:stream';
import { type ChartError, isChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import { checkBytes } from '../../oci/manifest.js';
import { splitName } from '../../oci/reference.js';
import type { Source, Target } from '../../oci/target.js';
import { remoteReference } from '../remote-reference.js';
import type { FoundFault } from './findings.js';

export interface FetchDependencies {
  readonly layout: Layout;
  readonly connect: (host: string) => Promise<Target> | Target;
  readonly signal?: AbortSignal | undefined;
}

/** References asked, of those that need the blob. */
const ASKED = 8;

/**
 * Asks one repository after the other. Stored is only what has the digest.
 *
 * @returns the repository that had it; undefined where none could be asked
 * @throws ChartError the first refusal, where none has it; `DISK_FULL`, `LAYOUT_UNWRITABLE`
 */
export async function fetchBlob(
  { layout, connect, signal }: FetchDependencies,
  { descriptor, role }: NonNullable<FoundFault['blob']>,
  refs: readonly string[],
): Promise<string | undefined> {
  let refusal: ChartError | undefined;
  for (const name of repositories(refs).slice(0, ASKED)) {
    try {
      const { host, path } = remoteReference(name);
      const source = (await connect(host)).repository(path);
      const open = (): Promise<Readable> =>
        role === 'manifest' ? openManifest(source, descriptor, signal) : source.readBlob(descriptor, { signal });
      await layout.writeBlob(descriptor, open, { signal, verify: true });
      return name;
    } catch (error) {
      const isOurs: ChartError['code'][] = ['CANCELLED', 'DISK_FULL', 'LAYOUT_UNWRITABLE', 'LAYOUT_LOCKED'];
      if (!isChartError(error) || isOurs.includes(error.code)) throw error;
      refusal ??= error;
    }
  }
  if (refusal) throw refusal;
  return undefined;
}

function repositories(refs: readonly string[]): string[] {
  return [...new Set(refs.map((ref) => splitName(ref).repository))];
}

async function openManifest(
  source: Source,
  descriptor: Parameters<Source['readBlob']>[0],
  signal?: AbortSignal,
): Promise<Readable> {
  const { bytes } = await source.readManifest(descriptor.digest, { signal });
  checkBytes(bytes, descriptor, 'manifest');
  return Readable.from([bytes], { objectMode: false });
}
