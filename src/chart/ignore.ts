/**
 * `.helmignore`: what of a directory is not part of the chart, by Helm's rules.
 *
 *     # comment          secret/     directories only      /top.txt       only there
 *     *.bak              by its name, at any depth         docs/*.md      by its path
 *     !keep              drops all that it does not match: it brings nothing back
 *
 * The first rule that matches decides. A last rule, `templates/.?*`, is always there.
 */
import { ChartError } from '../errors.js';
import { ContentError } from './content-error.js';
import { matchGlob } from './go/glob.js';
import { isSpace } from './go/printable.js';

export interface IgnoreRules {
  /** @param path relative to the chart, with `/` */
  ignores(path: string, isDirectory: boolean): boolean;
  /** The rule that leaves it out, as it is written and with its line; undefined for what stays, and for Helm's own rule. */
  ruleFor(path: string, isDirectory: boolean): { readonly line: number; readonly text: string } | undefined;
}

interface Rule {
  /** In bytes, see glob.ts. */
  readonly pattern: string;
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
  readonly wholePath: boolean;
  /** Where it is written, the first line being 1; undefined for Helm's own. */
  readonly line?: number;
  /** In bytes, as it is written. */
  readonly text: string;
}

const DEFAULT_RULE = 'templates/.?*';
const LINE_BYTES = 64 * 1024;

/** The rules of a chart without a `.helmignore`. */
export const DEFAULT_RULES: IgnoreRules = parseIgnore('');

/** @throws ChartError `IGNORE_INVALID`, in Helm's words */
export function parseIgnore(text: string | Uint8Array): IgnoreRules {
  const lines = Buffer.from(text).toString('latin1').split('\n');
  const rules: Rule[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.length >= LINE_BYTES) throw invalid('bufio.Scanner: token too long');
    const rule = parseRule(i === 0 ? line.replace(/^\xef\xbb\xbf/, '') : line);
    if (rule !== undefined) rules.push({ ...rule, line: i + 1 });
  }
  rules.push(parseRule(DEFAULT_RULE)!);
  return {
    ignores: (path, isDirectory) => decidingRule(rules, path, isDirectory) !== undefined,
    ruleFor(path, isDirectory) {
      const { line, text } = decidingRule(rules, path, isDirectory) ?? {};
      return line === undefined ? undefined : { line, text: Buffer.from(text as string, 'latin1').toString('utf8') };
    },
  };
}

function parseRule(line: string): Rule | undefined {
  const text = trim(line);
  if (text === '' || text.startsWith('#')) return undefined;
  if (text.includes('**')) throw invalid('double-star (**) syntax is not supported');
  try {
    matchGlob(text, 'abc');
  } catch (cause) {
    if (!(cause instanceof ContentError)) throw cause;
    throw invalid(cause.message, cause);
  }
  const negated = text.startsWith('!');
  let pattern = negated ? text.slice(1) : text;
  const directoriesOnly = pattern.endsWith('/');
  if (directoriesOnly) pattern = pattern.slice(0, -1);
  return { pattern: pattern.replace(/^\/+/, ''), negated, directoriesOnly, wholePath: pattern.includes('/'), text };
}

/** @param bytes UTF-8, whose white space may be wider than a byte */
function trim(bytes: string): string {
  const characters = [...Buffer.from(bytes, 'latin1').toString('utf8')];
  const first = characters.findIndex((character) => !isSpace(character));
  const last = characters.findLastIndex((character) => !isSpace(character));
  return first < 0 ? '' : Buffer.from(characters.slice(first, last + 1).join('')).toString('latin1');
}

/** The first rule that leaves it out. */
function decidingRule(rules: readonly Rule[], path: string, isDirectory: boolean): Rule | undefined {
  if (path === '' || path === '.' || path === './') return undefined;
  const bytes = Buffer.from(path).toString('latin1');
  const base = bytes.slice(bytes.lastIndexOf('/') + 1);
  return rules.find(({ pattern, negated, directoriesOnly, wholePath }) => {
    const matches = (!directoriesOnly || isDirectory) && matchesPattern(pattern, wholePath ? bytes : base);
    return matches !== negated;
  });
}

/** A fault that shows only now makes the rule match nothing, as in Helm. */
function matchesPattern(pattern: string, name: string): boolean {
  try {
    return matchGlob(pattern, name);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    return false;
  }
}

function invalid(problem: string, cause?: unknown): ChartError {
  return new ChartError('IGNORE_INVALID', problem, { hint: 'See the rules in .helmignore.', cause });
}
