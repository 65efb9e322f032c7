import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { ChartError, systemErrorCode } from '../errors.js';
import { systemWords } from './system-words.js';

/**
 * Where a symbolic link leads in the end.
 *
 * @throws ChartError `CHART_SOURCE_UNREADABLE`, in Helm's words, for one that is broken or goes round
 */
export function resolveLink(link: string): string {
  try {
    return realpathSync.native(link);
  } catch (cause) {
    const code = systemErrorCode(cause);
    const words =
      code === 'ELOOP' ? 'EvalSymlinks: too many links' : `lstat ${firstMissing(link)}: ${systemWords(cause)}`;
    throw new ChartError('CHART_SOURCE_UNREADABLE', `error evaluating symlink ${link}: ${words}`, {
      hint: 'Links are followed even where .helmignore names them; remove the link or what it lacks.',
      cause,
    });
  }
}

/** The first path on the way of a link that cannot be followed which is not there. */
function firstMissing(link: string): string {
  const target = path.resolve(path.dirname(link), readlinkSync(link));
  const { root } = path.parse(target);
  let reached = root;
  for (const segment of target.slice(root.length).split(path.sep)) {
    reached = path.join(reached, segment);
    try {
      if (lstatSync(reached).isSymbolicLink()) realpathSync.native(reached);
    } catch (error) {
      return isLink(reached) && systemErrorCode(error) === 'ENOENT' ? firstMissing(reached) : reached;
    }
  }
  return target;
}

function isLink(name: string): boolean {
  return lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
