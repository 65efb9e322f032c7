/** The charts of the cache that a command is to work on. */
import type { Command } from 'commander';
import type { Layout } from '../layout/layout.js';
import { isPattern } from '../operations/pattern.js';
import type { Context } from './context.js';
import { type FileOptions, readItems } from './options.js';

/**
 * As {@link readItems}, with the references of all charts that fit in place of each pattern.
 *
 * @throws ChartError `CHART_NOT_FOUND` for a pattern that nothing fits
 */
export async function readCachedItems(
  context: Context,
  command: Command,
  layout: Layout,
  given: readonly string[],
  options: FileOptions,
): Promise<string[]> {
  const items = await readItems(context, command, given, options);
  if (!items.some(isPattern)) return items;
  const { fillPatterns } = await import('../operations/fitting.js');
  return fillPatterns({ layout }, items);
}
