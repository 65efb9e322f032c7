/** Why a directory is no chart, for somebody who took it for one. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ChartError } from '../errors.js';
import type { IgnoreRules } from './ignore.js';
import { listDirectory } from './list-directory.js';
import { shellWord } from './shell-word.js';

const NAME = 'Chart.yaml';
/** Charts that a hint names. */
const SHOWN = 6;

/** In hints: where the charts are to go. Who knows puts it in. */
export const PREFIX = 'HOST/PATH';

/**
 * @param source the directory, absolute; it has no `Chart.yaml`, or .helmignore leaves that out
 * @param cause what is wrong with it, in Helm's words
 */
export function missingChartYaml(source: string, rules: IgnoreRules, cause: ChartError): ChartError {
  return new ChartError(cause.code, cause.message, { hint: reason(source, rules), cause });
}

function reason(source: string, rules: IgnoreRules): string {
  const rule = rules.ruleFor(NAME, false);
  if (rule && existsSync(path.join(source, NAME))) {
    return `${path.join(source, '.helmignore')} leaves ${NAME} out: line ${rule.line}, ${JSON.stringify(rule.text)}.`;
  }
  const names = listDirectory(source).map(({ name }) => name);
  const other = names.find((name) => name !== NAME && /^chart\.ya?ml$/i.test(name));
  if (other !== undefined) return `${source} has ${other}: the name is ${NAME}, in just that case.`;
  const charts = names.filter((name) => existsSync(path.join(source, name, NAME)));
  if (charts.length > 0) {
    const shown = charts.slice(0, SHOWN).map((name) => shellWord(near(path.join(source, name))));
    const rest = charts.length > SHOWN ? ` (and ${charts.length - SHOWN} more)` : '';
    return `${source} has none, but directories with one. For all of them: chart save ${shown.join(' ')} --to ${PREFIX}${rest}`;
  }
  return `${source} has none. A chart is a directory with a ${NAME}, or a packed chart (.tgz).`;
}

/** From the working directory, where it lies in that. */
function near(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}
