/** What is wrong with a mirror file and a schema cannot say. */
import { parseVersionRange } from '../../chart/version-range.js';
import { isChartError } from '../../errors.js';
import { MISTAKES_SOUGHT, type Mistake } from './mistakes.js';
import { checkTemplate, parseTarget } from './placement.js';
import type { Path, Places } from './places.js';
import { isPath, sourceKind } from './source-kind.js';
import type { WrittenFile } from './written-file.js';

export function contentMistakes(file: WrittenFile, places: Places, directory: string): Mistake[] {
  const mistakes: Mistake[] = [];
  const check = (path: Path, work: () => void): void => {
    if (mistakes.length === MISTAKES_SOUGHT) return;
    try {
      work();
    } catch (error) {
      if (!isChartError(error)) throw error;
      mistakes.push({ ...places.find(path), text: error.message, hint: error.hint });
    }
  };
  if (file.target !== undefined) check(['target'], () => parseTarget(file.target as string));
  if (file.defaults?.version !== undefined)
    check(['defaults', 'version'], () => parseVersionRange(file.defaults?.version as string));
  for (const [index, { source, version, target }] of file.charts.entries()) {
    if (version !== undefined) check(['charts', index, 'version'], () => parseVersionRange(version));
    if (target !== undefined) check(['charts', index, 'target'], () => checkTemplate(target));
    if (!isPath(source, directory)) check(['charts', index, 'source'], () => sourceKind(source));
  }
  for (const [host, { username, usernameEnv, passwordEnv, certFile, keyFile }] of Object.entries(
    file.registries ?? {},
  )) {
    const at = places.find(['registries', host]);
    const named = username ?? usernameEnv;
    if (username !== undefined && usernameEnv !== undefined)
      mistakes.push({ ...at, text: `${host}: of "username" and "usernameEnv" there can be one` });
    if ((named === undefined) !== (passwordEnv === undefined))
      mistakes.push({ ...at, text: `${host}: a user name and "passwordEnv" belong together` });
    if ((certFile === undefined) !== (keyFile === undefined))
      mistakes.push({ ...at, text: `${host}: "certFile" and "keyFile" belong together` });
  }
  return mistakes;
}
