/** Standard error: the words that are Helm's own, and not those of Go and its libraries. */
import type { Terms } from './standard-output.js';

/** Lines of the logging library that Helm used, with the wall-clock time: their words belong to that library. */
export function withoutLog(text: string): string {
  return text.replace(/^time="[^"]*" level=.*\n/gm, '');
}

/**
 * Words that are not Helm's own, but came out of Go and the libraries that Helm was built with: any words will do in
 * their place. What stands before them, that there is an error, and the exit code are compared.
 */
const WORDS_OF_GO: readonly RegExp[] = [
  /^(?:EOF|unexpected EOF|invalid character .* looking for beginning of .*)$/, // io, encoding/json
  /^parse ".*": .*$/, // net/url
  /^content sha256:\S+: not found$|^calculating blob path .*|^failed commit on ref .*/, // containerd
  /(?<=error converting YAML to JSON: yaml: ).*$/, // gopkg.in/yaml, on syntax
  /^inappropriate ioctl for device$/, // golang.org/x/term
];

/** Both sides as lines. More lines may follow an `Error: ` line than were recorded: what to do about it. */
export function comparableStderr(expected: string | RegExp, got: string, { luck }: Terms): [unknown, unknown] {
  if (expected instanceof RegExp) return [expected, got];
  const want = neutralLines(withoutGo(expected)).map(anyWordsOfGo);
  const lines = neutralLines(luck ? withoutGo(got) : got);
  const isError = /^\^?Error: /.test(patternText(want.at(-1)));
  const compared = isError ? lines.slice(0, want.length) : lines;
  return [want.map((line, index) => fitting(line, compared[index])), compared];
}

/** The line itself where it fits the pattern, else the pattern's text. */
function fitting(want: string | RegExp, line = ''): string {
  return want instanceof RegExp && want.test(line) ? line : patternText(want);
}

function patternText(want: string | RegExp | undefined): string {
  return want instanceof RegExp ? want.source : (want ?? '');
}

function anyWordsOfGo(line: string): string | RegExp {
  const message = line.startsWith('Error: ') ? line.slice('Error: '.length) : '';
  const found = WORDS_OF_GO.map((words) => words.exec(message)).find((match) => match !== null);
  return found ? new RegExp(`^Error: ${escapeForPattern(message.slice(0, found.index))}.+$`) : line;
}

/** Without what names this machine or a moment. */
function neutralLines(text: string): string[] {
  return text
    .replace(/ on (?:<RESOLVER>|[0-9.]+|\[[0-9a-f:]+\]):53/g, '')
    .replace(/\[::1\](?=:\d)/g, '127.0.0.1')
    .replace(/\b[0-9a-f]{64}\b/g, '<digest>')
    .split('\n')
    .slice(0, -1);
}

/** Without the log, the stack of functions that --debug adds, and `load.go:120: `, the place in Helm's source. */
function withoutGo(text: string): string {
  return withoutLog(text)
    .replace(/^helm\.go:\d+: \[debug\][\s\S]*$/m, '')
    .replace(/^[a-z]+\.go:\d+: (?!found symbolic link)/gm, '');
}

export function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
