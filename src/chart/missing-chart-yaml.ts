/** Why a directory is no chart, for somebody who took it for one. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ChartError, systemErrorCode } from '../errors.js';
import type { IgnoreRules } from './ignore.js';

const NAME = 'Chart.yaml';

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
  const names = list(source);
  const other = names.find((name) => name !== NAME && /^chart\.ya?ml$/i.test(name));
  if (other !== undefined) return `${source} has ${other}: the name is ${NAME}, in just that case.`;
  if (names.some((name) => existsSync(path.join(source, name, NAME)))) {
    return `${source} has none, but directories with one. For all of them: chart save ${path.join(source, '*')} --to HOST/PATH`;
  }
  return `${source} has none. A chart is a directory with a ${NAME}, or a packed chart (.tgz).`;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}
