/** What is said of signatures, attestations and the like that went along with charts. */
import type { SkippedAttachment } from '../copy-referrers.js';
import type { AttachedItem } from '../operations/referrers.js';
import type { Context } from './context.js';
import { printable } from './text.js';

/** A line for each; nothing where they were not asked for. */
export function renderReferrers(items: readonly AttachedItem[] | undefined): string {
  if (items === undefined) return '';
  if (items.length === 0) return 'Referrers: none\n';
  return items
    .map(
      ({ digest, tag, artifactType }) =>
        `Referrer: ${printable(tag ?? digest)} (${printable(artifactType ?? 'index')})\n`,
    )
    .join('');
}

/** The same for JSON and YAML. */
export function referrersData(items: readonly AttachedItem[] | undefined): object {
  if (items === undefined) return {};
  return {
    referrers: items.map(({ digest, artifactType, tag, subject }) => {
      return { digest, artifactType: artifactType ?? null, tag: tag ?? null, subject };
    }),
  };
}

export function warnSkipped(context: Context, item: string, { digest, tag, subject, reason }: SkippedAttachment): void {
  const what = tag ?? digest;
  context.printWarning(`${item}: left out ${what}, which is attached to ${subject}: ${printable(reason.message)}`);
}
