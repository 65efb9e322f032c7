/** Blobs that no reference reaches, out of the cache, and references that have had their time with them. */

import { chartParts, looksLikeChart } from '../artifact.js';
import { parseConfig } from '../chart/config.js';
import { isChartError } from '../errors.js';
import type { Layout, PrunePlan, PruneResult } from '../layout/layout.js';
import type { Digest } from '../oci/digest.js';
import { parseManifest } from '../oci/manifest.js';
import { OCI_MANIFEST } from '../oci/media-types.js';
import { chooseObsolete, type Retention } from './retention.js';

export type { Retention } from './retention.js';

export interface PruneDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since 1970; the system's if absent. */
  readonly now?: (() => number) | undefined;
}

/**
 * What {@link prune} would delete.
 *
 * @example
 * ```ts
 * import { openLayout, planPrune, removeCharts, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * await removeCharts({ layout }, [ref]);
 * const plan = await planPrune({ layout });
 * console.log(plan.blobs.length); // 3
 * await layout.close();
 * ```
 */
export function planPrune(
  { layout, signal, now = Date.now }: PruneDependencies,
  retention: Retention = {},
): Promise<PrunePlan> {
  const isWanted = retention.keepLast !== undefined || retention.olderThan !== undefined;
  return layout.planPrune({ signal, ...(isWanted && { choose: chooseObsolete(layout, retention, now()) }) });
}

/**
 * Deletes what `plan` names, unless it has changed or something has come to need it since.
 *
 * @example
 * ```ts
 * import { openLayout, planPrune, prune } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { bytes } = await prune({ layout }, await planPrune({ layout }));
 * console.log(bytes); // 0
 * await layout.close();
 * ```
 */
export function prune({ layout, signal }: PruneDependencies, plan: PrunePlan): Promise<PruneResult> {
  return layout.applyPrune(plan, { signal });
}

/** Bytes up to which a blob may be the manifest of a chart. */
const MANIFEST_MOST = 16 * 1024;

/**
 * Which of the blobs that go are manifests of charts.
 *
 * @returns names and versions, by digest
 */
export function chartsIn(layout: Layout, { blobs }: Pick<PrunePlan, 'blobs'>): Map<Digest, string> {
  const small = blobs
    .filter(({ size }) => size <= MANIFEST_MOST)
    .map(({ digest, size }) => ({ mediaType: OCI_MANIFEST, digest, size }));
  const contents = layout.readSmallBlobs(small);
  const found = new Map<Digest, string>();
  for (const [position, bytes] of contents.entries()) {
    const digest = small[position]?.digest;
    const name = bytes instanceof Uint8Array ? chartOf(layout, bytes) : undefined;
    if (digest !== undefined && name !== undefined) found.set(digest, name);
  }
  return found;
}

function chartOf(layout: Layout, bytes: Uint8Array): string | undefined {
  try {
    const manifest = parseManifest(bytes, OCI_MANIFEST);
    if (!looksLikeChart(manifest)) return undefined;
    const [config] = layout.readSmallBlobs([chartParts(manifest).config]);
    if (!(config instanceof Uint8Array)) return undefined;
    const { name, version } = parseConfig(config);
    return `${name} ${version}`;
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}
