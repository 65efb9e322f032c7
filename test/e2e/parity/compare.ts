/**
 * Compares what a step did with what was recorded. What cannot be the same twice is not blotted out, but replaced in the
 * recorded text by what it must be now; the little that is left out on both sides says why.
 */
import type { After, Step } from './cases.js';
import type { Observation } from './replay.js';
import { comparableStderr, escapeForPattern, withoutLog } from './standard-error.js';
import { expectedStdout, type Terms } from './standard-output.js';

/** What must come out of a step: the recording's words, or a pattern. */
export interface Expected {
  readonly stdout: string | RegExp;
  readonly stderr: string | RegExp;
  readonly exit: number;
  readonly screen?: string | undefined;
  readonly after: After;
}

export function recorded(step: Step): Expected {
  const { stdout, exit, terminal_echo: screen, after = {} } = step;
  const ending = step.stderr.split(': ').at(-1) as string;
  const stderr = step.stderr_shortened_from ? new RegExp(`${escapeForPattern(ending)}$`) : step.stderr;
  return { stdout, stderr, exit, screen, after };
}

/** Every difference, as a text of its own; none when the step went as expected. */
export function differences(expected: Expected, seen: Observation, terms: Terms = {}): string[] {
  const found: string[] = [];
  const compare = (what: string, want: unknown, got: unknown): void => {
    if (want instanceof RegExp ? !want.test(String(got)) : JSON.stringify(want) !== JSON.stringify(got)) {
      found.push(`${what}\n    expected ${show(want)}\n    got      ${show(got)}`);
    }
  };
  compare('exit code', expected.exit, seen.exit);
  const stdout = terms.luck ? withoutLog(seen.stdout) : seen.stdout;
  compare('standard output', expectedStdout(expected.stdout, seen, terms), stdout);
  compare('standard error', ...comparableStderr(expected.stderr, seen.stderr, terms));
  if (expected.screen !== undefined) compare('terminal', expected.screen, seen.screen);
  for (const [what, want, got] of comparableAfter(expected.after, seen.after, terms)) compare(what, want, got);
  return found;
}

function show(value: unknown): string {
  return value instanceof RegExp ? String(value) : JSON.stringify(value);
}

function comparableAfter(expected: After, got: After, terms: Terms): [string, unknown, unknown][] {
  const pairs: [string, unknown, unknown][] = [];
  if (expected.index_json !== undefined) {
    pairs.push(['index.json', neutralDescriptors(expected.index_json), neutralDescriptors(got.index_json ?? null)]);
  }
  if (expected.tree) {
    const [want, have] = [expected.tree, got.tree ?? []].map((tree) => tree.map(neutralBlob).sort());
    // Two saves of one chart by Helm are one set of blobs or two, as the clock wants.
    const distinct = (tree: string[] = []): string[] => (terms.luck ? [...new Set(tree)] : tree);
    pairs.push(['tree', distinct(want), distinct(have)]);
  }
  for (const [name, text] of Object.entries(expected.files ?? {})) {
    pairs.push([`file ${name}`, neutralLayer(name, text), neutralLayer(name, got.files?.[name] ?? null)]);
  }
  if (expected.sh) {
    const neutral = (text: string | RegExp): string | RegExp => {
      if (text instanceof RegExp) return text;
      return terms.luck ? sortLines(neutralOutput(text)) : neutralOutput(text);
    };
    pairs.push([`output of ${expected.sh.cmd}`, neutral(expected.sh.out), neutral(got.sh?.out ?? '')]);
  }
  return pairs;
}

/** Digest and size depend on the bytes of the layer; form, order and all other members are compared. */
function neutralDescriptors(index: string | null): string | null {
  return index?.replace(/"digest":"sha256:[0-9a-f]{64}","size":\d+/g, '"digest":"<digest>","size":<size>') ?? null;
}

/** Blobs are named by their digest. How many there are, and their modes, is compared. */
function neutralBlob(line: string): string {
  return line
    .replace(/(blobs\/sha256\/)[0-9a-f]{64} \d+$/, '$1<digest> <size>')
    .replace(/(cache\/index\.json) \d+$/, '$1 <size>');
}

function neutralLayer(name: string, text: string | null): string | null {
  return name.endsWith('index.json') ? neutralDescriptors(text) : text;
}

function sortLines(text: string): string {
  return text.split('\n').sort().join('\n');
}

/** Digests, dates of files and of answers. */
function neutralOutput(text: string): string {
  return text
    .replace(/sha256:[0-9a-f]{64}/g, 'sha256:<digest>')
    .replace(/"size":\d+/g, '"size":<size>')
    .replace(/^Date: .*$/m, 'Date: <date>')
    .replace(/[A-Z][a-z]{2} +\d+ \d\d:\d\d (?=buildmeta)/, '<date> ');
}
