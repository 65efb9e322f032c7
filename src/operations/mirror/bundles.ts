/** A bundle as the target of a mirror. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import type { CallOptions, Repository } from '../../oci/target.js';
import { openBundleTarget } from '../bundle-target.js';
import { cacheTarget, type MirrorTarget } from './targets.js';
import type { MirrorReport } from './types.js';

/**
 * What arrives gathers beside the file, which is written when all is there that could be had. An interrupted run is gone on with.
 *
 * @throws ChartError what is wrong with a file that is there
 */
export async function copyToBundle(
  file: string,
  { signal }: CallOptions,
  copy: (target: (layout: Layout) => Promise<MirrorTarget>, layout: Layout) => Promise<MirrorReport>,
): Promise<MirrorReport> {
  const isWhole = existsSync(file) && !existsSync(`${file}.incoming`);
  const bundle = await openBundleTarget(file, { signal });
  try {
    const report = await copy((layout) => cacheTarget(layout, signal), bundle.layout);
    const changed = report.charts.some(({ status }) => status === 'copied');
    const holdsAny = report.charts.some(({ status }) => status === 'copied' || status === 'present');
    if (changed || (!isWhole && holdsAny)) await bundle.finish();
    else if (isWhole) await rm(`${file}.incoming`, { recursive: true, force: true });
    return report;
  } finally {
    await bundle.close();
  }
}

/** The bundle as it is, to compare with; nothing is written. */
export async function viewBundle(
  file: string,
  { signal }: CallOptions,
  compare: (target: MirrorTarget) => Promise<MirrorReport>,
): Promise<MirrorReport> {
  const { openBundle } = await import('../../bundle/open.js');
  const bundle = existsSync(file) ? await openBundle(file, { signal }) : undefined;
  try {
    return await compare({
      async find({ repository, tag }) {
        try {
          return await bundle?.repository(repository).resolve(tag);
        } catch (error) {
          if (isChartError(error, 'MANIFEST_NOT_FOUND')) return undefined;
          throw error;
        }
      },
      // It is only read from.
      repository: async ({ repository }) => bundle?.repository(repository) as unknown as Repository,
      write: () => Promise.reject(new Error('a bundle that is looked at is not written to')),
      finish: () => undefined,
    });
  } finally {
    await bundle?.close();
  }
}
