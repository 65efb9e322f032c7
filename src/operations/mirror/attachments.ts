/** What is attached to a chart, along with it. */

import type { CopyOptions } from '../../copy.js';
import { copyReferrers, findAttachments } from '../../copy-referrers.js';
import { isChartError } from '../../errors.js';
import type { CallOptions, Repository } from '../../oci/target.js';
import type { AttachedTo } from './found-chart.js';

/** @returns how many came along, and the bytes that the target did not have. @throws ChartError as `copyReferrers` */
export async function copyAttachments(
  { source, manifest }: AttachedTo,
  target: Repository,
  { overwrite, ...options }: CopyOptions & { readonly overwrite: boolean },
): Promise<{ referrers: number; copiedBytes: number }> {
  const existing = overwrite ? undefined : target;
  const { attachments, copiedBytes } = await copyReferrers(source, target, manifest, { ...options, existing });
  return { referrers: attachments.length, copiedBytes };
}

/** Whether the target has everything that is attached at the source. */
export async function hasAttachments(
  { source, manifest }: AttachedTo,
  target: Repository,
  options: CallOptions,
): Promise<boolean> {
  const attachments = await findAttachments(source, manifest.descriptor.digest, options);
  for (const { manifest: attached, tag } of attachments) {
    try {
      const { digest } = await target.resolve(tag ?? attached.descriptor.digest, options);
      if (digest !== attached.descriptor.digest) return false;
    } catch (error) {
      if (isChartError(error, 'MANIFEST_NOT_FOUND')) return false;
      throw error;
    }
  }
  return true;
}
