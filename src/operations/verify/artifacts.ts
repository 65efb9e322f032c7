/**
 * What an entry of index.json leads to, followed to the end.
 *
 *     entry       its manifest is here, whole, of the size and type that the entry says
 *       index     each manifest that it lists and that is here; others may come later or never
 *       manifest  config and layers are here, whole, of the sizes that the manifest says
 *         chart   the archive can be unpacked, and the config tells the name and version of the chart in it
 */
import { chartParts, looksLikeChart } from '../../artifact.js';
import { encodeConfig, parseConfig } from '../../chart/config.js';
import type { ChartMetadata } from '../../chart/metadata.js';
import { type ChartError, isChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import { requiredBlobs } from '../../layout/manifest-facts.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { type Digest, digestOf } from '../../oci/digest.js';
import { type ImageIndex, type ImageManifest, MANIFEST_LIMIT, parseManifest } from '../../oci/manifest.js';
import { MANIFEST_TYPES } from '../../oci/media-types.js';
import type { BlobState, Contents } from './contents.js';
import type { BlobRole, FaultKind, Mend } from './findings.js';

/** A fault of an artifact, whichever entry leads to it. */
export interface Problem {
  readonly kind: FaultKind;
  readonly digest: Digest;
  readonly message: string;
  /** What to do, where it is something else than to put a blob back. */
  readonly hint?: string | undefined;
  readonly isFatal: boolean;
  readonly blob?: { readonly descriptor: Descriptor; readonly role: BlobRole } | undefined;
  readonly mend?: Mend | undefined;
}

export interface FollowedArtifact {
  readonly problems: readonly Problem[];
  readonly notes: readonly { readonly kind: 'incomplete-index' | 'config'; readonly message: string }[];
}

const DEPTH_LIMIT = 8;

/** Follows entries; what several lead to is looked at once. */
export class Artifacts {
  readonly #layout: Layout;
  readonly #contents: Contents;
  readonly #followed = new Map<string, Promise<FollowedArtifact>>();

  constructor(layout: Layout, contents: Contents) {
    this.#layout = layout;
    this.#contents = contents;
  }

  /** @throws ChartError `CANCELLED` */
  follow(descriptor: Descriptor, depth = 0): Promise<FollowedArtifact> {
    const key = `${descriptor.digest} ${descriptor.size} ${descriptor.mediaType}`;
    const known = this.#followed.get(key);
    if (known) return known;
    const followed = this.#follow(descriptor, depth);
    this.#followed.set(key, followed);
    return followed;
  }

  async #follow(descriptor: Descriptor, depth: number): Promise<FollowedArtifact> {
    const { digest, mediaType } = descriptor;
    const state = await this.#contents.state(digest);
    const broken = brokenBlob(descriptor, state, 'manifest');
    if (broken || state.kind !== 'intact') return { problems: broken ? [broken] : [], notes: [] };
    const actual = { ...descriptor, size: state.size };
    const problems: Problem[] = [];
    const parsed = this.#parse(actual);
    const type = parsed instanceof Error ? mediaType : (parsed?.mediaType ?? mediaType);
    const mend: Mend = { kind: 'describe', mediaType: type, size: state.size };
    const own = depth === 0 ? mend : undefined;
    if (state.size !== descriptor.size) problems.push(sizeProblem(descriptor, state.size, own));
    if (parsed instanceof Error) {
      problems.push({ kind: 'manifest', digest, message: parsed.message, isFatal: true, hint: DROP });
      return { problems, notes: [] };
    }
    if (type !== mediaType) {
      const message = `it is called ${mediaType}, and is ${type}`;
      problems.push({
        kind: 'media-type',
        digest,
        message,
        isFatal: own === undefined,
        mend: own,
        hint: own ? MEND : DROP,
      });
    }
    if (parsed === undefined) return { problems, notes: [] };
    const { problems: others, notes } =
      parsed.kind === 'index'
        ? await this.#followIndex(parsed, digest, depth)
        : await this.#followManifest(parsed, digest);
    return { problems: [...problems, ...others], notes };
  }

  /** Undefined for what is no manifest, neither by its type nor by its content. */
  #parse(descriptor: Descriptor): ImageManifest | ImageIndex | ChartError | undefined {
    const isKnown = MANIFEST_TYPES.includes(descriptor.mediaType);
    if (!isKnown && descriptor.size > MANIFEST_LIMIT) return undefined;
    const [bytes] = this.#layout.readSmallBlobs([descriptor]);
    if (!bytes || bytes instanceof Error) return bytes;
    try {
      return parseManifest(bytes, isKnown ? descriptor.mediaType : undefined);
    } catch (error) {
      if (!isChartError(error)) throw error;
      if (!isKnown) return undefined;
      return orError(() => parseManifest(bytes)) ?? error;
    }
  }

  async #followIndex(index: ImageIndex, digest: Digest, depth: number): Promise<FollowedArtifact> {
    const followed: FollowedArtifact[] = [];
    let absent = 0;
    for (const child of index.manifests) {
      if ((await this.#contents.state(child.digest)).kind === 'missing') absent += 1;
      else if (depth < DEPTH_LIMIT) followed.push(await this.follow(child, depth + 1));
    }
    const message = `index ${digest} lists ${absent} of ${index.manifests.length} manifests that are not here`;
    return {
      problems: followed.flatMap(({ problems }) => problems),
      notes: [
        ...followed.flatMap(({ notes }) => notes),
        ...(absent > 0 ? [{ kind: 'incomplete-index' as const, message }] : []),
      ],
    };
  }

  async #followManifest(manifest: ImageManifest, digest: Digest): Promise<FollowedArtifact> {
    const parts = looksLikeChart(manifest) ? partsOf(manifest) : undefined;
    if (parts instanceof Error) {
      const problem: Problem = { kind: 'chart', digest, message: parts.message, isFatal: true, hint: DROP };
      return { problems: [problem], notes: [] };
    }
    // First: it reads the layer for both.
    const chart = parts && (await this.#contents.chart(parts.layer.digest));
    const problems: Problem[] = [];
    const required = new Set(requiredBlobs(manifest).map((part) => part.digest));
    for (const part of [manifest.config, ...manifest.layers]) {
      const state = await this.#contents.state(part.digest);
      if (state.kind === 'missing' && !required.has(part.digest)) continue;
      const broken = brokenBlob(part, state, 'blob');
      if (broken) problems.push(part === parts?.config ? withRebuilt(broken, part, chart) : broken);
      else if (state.kind === 'intact' && state.size !== part.size) problems.push(sizeProblem(part, state.size));
    }
    if (parts === undefined || chart === undefined) return { problems, notes: [] };
    if (chart instanceof Error) {
      const message = `the chart in it cannot be read: ${chart.message}`;
      problems.push({ kind: 'chart', digest: parts.layer.digest, message, isFatal: true, hint: DROP });
      return { problems, notes: [] };
    }
    if (problems.some((problem) => problem.digest === parts.config.digest)) return { problems, notes: [] };
    const agreement = compareConfig(this.#layout, parts.config, chart);
    if (agreement.problem) problems.push(agreement.problem);
    return { problems, notes: agreement.note ? [{ kind: 'config', message: agreement.note }] : [] };
  }
}

const DROP =
  'The content is what its digest says, so no other copy of it would be better. Remove the reference (chart remove), or pull or save another version.';
const MEND = 'chart verify --repair corrects the entry.';

function brokenBlob(descriptor: Descriptor, state: BlobState, role: BlobRole): Problem | undefined {
  const { digest } = descriptor;
  const broken = { digest, isFatal: true, blob: { descriptor, role } };
  switch (state.kind) {
    case 'intact':
      return undefined;
    case 'missing':
      return { ...broken, kind: 'missing', message: 'there is no such file' };
    case 'damaged':
      return { ...broken, kind: 'content', message: damageOf(descriptor.size, state) };
    case 'misplaced':
      return { ...broken, kind: 'misplaced', message: `it is no file, but ${MISPLACED[state.what]}` };
    case 'unreadable':
      return { ...broken, kind: 'unreadable', message: state.error.message, hint: state.error.hint };
  }
}

export const MISPLACED = { directory: 'a directory', link: 'a symbolic link', other: 'a FIFO, socket or device' };

export function damageOf(
  expected: number | undefined,
  { size, found }: { readonly size: number; readonly found: Digest },
): string {
  const bytes = expected === undefined || expected === size ? '' : `${size} bytes instead of ${expected}, `;
  return `damaged: ${bytes}${found}`;
}

function sizeProblem({ digest, size }: Descriptor, found: number, mend?: Mend): Problem {
  const message = `it has ${found} bytes, and ${mend ? 'index.json' : 'its manifest'} says ${size}`;
  return { kind: 'size', digest, message, isFatal: true, mend, hint: mend ? MEND : DROP };
}

/** The config that the chart gives is the one that was promised, as far as Helm or this program has written it. */
function withRebuilt(broken: Problem, config: Descriptor, chart: ChartMetadata | ChartError | undefined): Problem {
  if (chart === undefined || chart instanceof Error) return broken;
  const bytes = encodeConfig(chart);
  return digestOf(bytes) === config.digest ? { ...broken, mend: { kind: 'config', bytes } } : broken;
}

function compareConfig(
  layout: Layout,
  config: Descriptor,
  chart: ChartMetadata,
): { readonly problem?: Problem; readonly note?: string } {
  const [bytes] = layout.readSmallBlobs([config]);
  if (!bytes || bytes instanceof Error) return {};
  const expected = encodeConfig(chart);
  if (Buffer.compare(bytes, expected) === 0) return {};
  const metadata = orError(() => parseConfig(bytes));
  if (metadata === undefined) return { note: 'its config does not tell name and version; those of the chart are used' };
  const { digest } = config;
  const differing = (['name', 'version'] as const).filter((field) => metadata[field] !== chart[field]);
  if (differing.length > 0) {
    const said = differing.map((field) => `the ${field} ${quote(metadata[field])} instead of ${quote(chart[field])}`);
    const message = `the config tells ${said.join(' and ')}, which the chart in the layer has`;
    return { problem: { kind: 'config', digest, message, isFatal: false, hint: RESAVE } };
  }
  const [own, other] = [metadata, parseConfig(expected)] as unknown as Record<string, unknown>[];
  const fields = Object.keys({ ...own, ...other }).filter(
    (field) => canonical(own?.[field]) !== canonical(other?.[field]),
  );
  return fields.length === 0
    ? {}
    : { note: `its config differs from the Chart.yaml in the layer: ${fields.join(', ')}` };
}

const RESAVE =
  'It came like this from where it was pulled. Export it (chart export) and save it anew: that writes a config that agrees.';

/** JSON with members in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}

function partsOf(manifest: ImageManifest) {
  try {
    return chartParts(manifest);
  } catch (error) {
    if (isChartError(error)) return error;
    throw error;
  }
}

function orError<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}
