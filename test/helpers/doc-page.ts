/**
 * What of a Markdown page can be run: its ```console, ```sh and ```bash blocks, and what comments say of them.
 *
 *     <!-- with: registry.example.com is REGISTRY -->   that text stands for what the test gives as REGISTRY; all of the page
 *     <!-- machine: inside -->                          what follows happens on another machine: own home, own directory
 *
 * Directly before a block, each in a line of its own:
 *
 *     <!-- not run: REASON -->
 *     <!-- needs: helm -->          run only where these programs are installed
 *     <!-- runs on -->              its commands go on until the page ends, as a server does; the next comes once what is shown was printed
 *     <!-- fails -->                its last command exits with 1 or more; needless where `Error:` is shown
 *     <!-- file: mirror.yaml -->    a block of any language: the file that is meant, written to the working directory
 *
 * A console block has commands after `$ ` and what they print below. Where nothing is shown, only the exit code counts. `…` stands
 * for any text in a line, `…` alone for any number of lines.
 */
import { spawnSync } from 'node:child_process';

export interface PageCommand {
  /** Line in the page, from 1. */
  readonly line: number;
  readonly text: string;
  /** What is shown below it. */
  readonly shown: readonly string[];
}

export interface PageBlock {
  readonly line: number;
  readonly machine: string;
  readonly commands: readonly PageCommand[];
  readonly notRun?: string;
  readonly needs: readonly string[];
  readonly runsOn: boolean;
  readonly fails: boolean;
  /** A file to write, instead of commands to run. */
  readonly file?: { readonly name: string; readonly content: string };
}

export interface Page {
  /** What stands for what: the page's text, and the name of the test's value. */
  readonly substitutions: readonly { readonly line: number; readonly text: string; readonly value: string }[];
  readonly blocks: readonly PageBlock[];
}

interface Remark {
  readonly line: number;
  readonly keyword: string;
  readonly rest: string;
}

const REMARK = /^<!--\s*(with|machine|not run|needs|runs on|fails|file)(?::\s*(.*?))?\s*-->$/;
const RUNNABLE = ['console', 'sh', 'bash', 'shell'];

/** @throws Error for a comment or block that means nothing, with its line */
export function readPage(text: string): Page {
  const lines = text.split(/\r?\n/);
  const substitutions: Page['substitutions'][number][] = [];
  const blocks: PageBlock[] = [];
  let machine = 'here';
  let remarks: Remark[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const remark = REMARK.exec(lines[index] as string);
    const fence = /^(`{3,})\s*(\S*)/.exec(lines[index] as string);
    if (remark?.[1] === 'with') substitutions.push(readSubstitution(line, remark[2] ?? ''));
    else if (remark?.[1] === 'machine') machine = remark[2] ?? '';
    else if (remark) remarks.push({ line, keyword: remark[1] as string, rest: remark[2] ?? '' });
    else if (fence) {
      const end = lines.indexOf(fence[1] as string, index + 1);
      if (end < 0) throw new Error(`line ${line}: the block has no end`);
      const block = readBlock(lines.slice(index + 1, end), fence[2] as string, line, machine, remarks);
      if (block) blocks.push(block);
      remarks = [];
      index = end;
    } else if (remarks.length > 0) {
      throw new Error(`line ${remarks[0]?.line}: the comment "${remarks[0]?.keyword}" has no block after it`);
    }
  }
  return { substitutions, blocks };
}

function readSubstitution(line: number, text: string): Page['substitutions'][number] {
  const match = /^(.+) is ([A-Z][A-Z0-9_]*)$/.exec(text);
  if (!match) throw new Error(`line ${line}: not "with: TEXT is NAME"`);
  return { line, text: match[1] as string, value: match[2] as string };
}

function readBlock(
  content: readonly string[],
  language: string,
  line: number,
  machine: string,
  remarks: readonly Remark[],
): PageBlock | undefined {
  const find = (keyword: string): string | undefined => remarks.find((remark) => remark.keyword === keyword)?.rest;
  const notRun = find('not run');
  if (notRun === '') throw new Error(`line ${line}: "not run" gives no reason`);
  const file = find('file');
  if (!RUNNABLE.includes(language) && file === undefined) {
    if (remarks.length > 0) throw new Error(`line ${line}: a block "${language}" is not run anyway`);
    return undefined;
  }
  const commands = file === undefined && notRun === undefined ? readCommands(content, language, line) : [];
  return {
    line,
    machine,
    commands,
    ...(notRun !== undefined && { notRun }),
    needs: find('needs')?.split(/[\s,]+/) ?? [],
    runsOn: find('runs on') !== undefined,
    fails: find('fails') !== undefined,
    ...(file !== undefined && { file: { name: file, content: `${content.join('\n')}\n` } }),
  };
}

function readCommands(content: readonly string[], language: string, fence: number): PageCommand[] {
  const commands: { line: number; text: string; shown: string[] }[] = [];
  for (let index = 0; index < content.length; index++) {
    const line = content[index] as string;
    const isConsole = language === 'console';
    if (isConsole && !line.startsWith('$ ')) {
      const last = commands.at(-1);
      if (last) last.shown.push(line);
      else if (line !== '') throw new Error(`line ${fence + 1 + index}: printed by no command`);
      continue;
    }
    const start = fence + 1 + index;
    let text = isConsole ? line.slice(2) : line;
    while (!isComplete(text) && index + 1 < content.length) {
      index += 1;
      text += `\n${isConsole ? content[index]?.replace(/^> /, '') : content[index]}`;
    }
    if (/^\s*(?:#.*)?$/.test(text)) continue;
    commands.push({ line: start, text, shown: [] });
  }
  return commands.map((command) => ({ ...command, shown: trimBlank(command.shown) }));
}

/** Bash itself knows whether a command goes on in the next line: a quote, a here-document, a loop or a backslash. */
function isComplete(text: string): boolean {
  if (text.endsWith('\\')) return false;
  const { status, stderr } = spawnSync('bash', ['-n'], { input: `${text}\n`, encoding: 'utf8' });
  return status === 0 && stderr === '';
}

export function trimBlank(lines: readonly string[]): string[] {
  const isText = (line: string): boolean => line.trim() !== '';
  const from = lines.findIndex(isText);
  return from < 0 ? [] : lines.slice(from, lines.findLastIndex(isText) + 1);
}

/**
 * Compares what was printed with what is shown. Blanks within a line count as one, since columns move with the names in them.
 *
 * @returns undefined, or the first line of `shown` (from 0) that does not fit
 */
export function firstDifference(shown: readonly string[], printed: readonly string[]): number | undefined {
  let worst = 0;
  const fits = (at: number, position: number): boolean => {
    worst = Math.max(worst, at);
    if (at === shown.length) return position === printed.length;
    if ((shown[at] as string).trim() === '…') {
      for (let next = position; next <= printed.length; next++) if (fits(at + 1, next)) return true;
      return false;
    }
    const line = printed[position];
    return line !== undefined && fitsLine(shown[at] as string, line) && fits(at + 1, position + 1);
  };
  return fits(0, 0) ? undefined : Math.min(worst, shown.length - 1);
}

function fitsLine(shown: string, printed: string): boolean {
  const normal = (text: string): string => text.trimEnd().replace(/(?<=\S)[ \t]+/g, ' ');
  const parts = normal(shown).split('…');
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+');
  return new RegExp(`^${pattern}$`, 'u').test(normal(printed));
}
