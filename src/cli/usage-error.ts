/** What the argument parser has to say, in our words and with the next step where it knows none. */
import { shellWord } from '../chart/shell-word.js';
import { nearNames } from '../operations/near-names.js';

/** Words that other programs have for it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  add: 'chart save',
  copy: 'chart mirror',
  cp: 'chart mirror',
  create: 'helm create',
  delete: 'chart remove',
  dep: 'helm dependency',
  dependency: 'helm dependency',
  gc: 'chart prune',
  get: 'chart pull',
  import: 'chart unbundle',
  info: 'chart show',
  init: 'chart mirror init',
  inspect: 'chart show',
  install: 'helm install',
  lint: 'helm lint',
  load: 'chart unbundle',
  login: 'chart registry login',
  logout: 'chart registry logout',
  package: 'chart save',
  repo: 'chart mirror',
  rmi: 'chart remove',
  search: 'chart list or chart tags',
  store: 'chart list',
  sync: 'chart mirror',
  template: 'helm template',
  upgrade: 'helm upgrade',
  version: 'chart --version',
};

/**
 * @param text one message of commander, with its line break and what follows
 * @param command the name of the command that it is about
 */
export function usageError(text: string, command: string): string {
  const next = withOtherOption(withNextStep(text.replace(/^error: /, 'Error: ')), command);
  return withDestination(withNearChoice(next), command);
}

function withNextStep(text: string): string {
  const match = /^Error: unknown command '([^']*)'\n/.exec(text);
  const word = match?.[1];
  const step = word === undefined ? undefined : nextStep(word);
  if (match === null || step === undefined) return text;
  return `${match[0]}(${step})${text.slice(match[0].length).replace(/^\(Did you mean [^\n]*\)/, '') || '\n'}`;
}

const EXPORTS = 'chart export REF -d DIR writes a chart of the cache to files';
const PATTERNS = "for all, a pattern in quotes: 'HOST/PATH/*', or '*'";

/** Options that other programs have, or that one of our commands has and another has not: `push --all`, or `-v` of any command. */
const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  '-a': 'for all tags of a repository: chart mirror oci://HOST/PATH cache',
  '--all-tags': 'for all tags of a repository: chart mirror oci://HOST/PATH cache',
  '-d': EXPORTS,
  '--destination': EXPORTS,
  '--untar': EXPORTS,
  '--untardir': EXPORTS,
  '-v': 'the version is printed by -V, details by --debug',
  '--verbose': 'details are printed by --debug',
  '--version':
    'the version of a chart is the tag of its reference, REPO:TAG; that of this program is printed by chart --version',
  'bundle --all': PATTERNS,
  'export --all': PATTERNS,
  'images --all': PATTERNS,
  'push --all': PATTERNS,
  'remove --all': PATTERNS,
  'serve -p': 'Did you mean --port?',
  'verify --fix': 'Did you mean --repair?',
};

function withOtherOption(text: string, command: string): string {
  const match = /^Error: unknown option '([^']*)'\n/.exec(text);
  const keys = match ? [`${command} ${match[1]}`, match[1] as string] : [];
  const key = keys.find((one) => Object.hasOwn(OPTIONS_ELSEWHERE, one));
  if (!match || key === undefined) return text;
  return `${match[0]}(${OPTIONS_ELSEWHERE[key]})\n${text.slice(match[0].length).replace(/^\(Did you mean [^\n]*\)\n/, '')}`;
}

function nextStep(word: string): string | undefined {
  const elsewhere = Object.hasOwn(ELSEWHERE, word) ? ELSEWHERE[word] : undefined;
  if (elsewhere !== undefined) return `Did you mean ${elsewhere}?`;
  if (/^(?:\.{0,2}[/\\]|~|\.{1,2}$)|\.tgz$/.test(word)) return 'chart save PATH REF brings a chart into the cache';
  if (/[/:]/.test(word)) return 'a command comes first: chart pull REF, chart export REF or chart show all REF';
  return undefined;
}

/** `chart export REF -o DIR`: -o is the format of what is printed. */
function withDestination(text: string, command: string): string {
  const match =
    command === 'export' && /^Error: option '-o, --output <format>' argument '([^']*)' is invalid/.exec(text);
  return match
    ? `${text}(the directory to export to is given with -d: chart export REF -d ${shellWord(match[1] as string)})\n`
    : text;
}

/** For a word that is none of the choices, the nearest of them; commander suggests only commands and options. */
function withNearChoice(text: string): string {
  const match = /'([^']*)' is invalid(?: for argument '[^']*')?\. Allowed choices are (.*)\.\n$/.exec(text);
  const [near] = match ? nearNames(match[1] as string, (match[2] as string).split(', '), 1) : [];
  return near === undefined ? text : `${text}(Did you mean ${near}?)\n`;
}
