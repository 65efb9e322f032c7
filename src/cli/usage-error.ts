/** What the argument parser has to say, in our words and with the next step where it knows none. */
import { nearNames } from '../operations/near-names.js';

/** Words that other programs have for it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  add: 'chart save',
  copy: 'chart mirror',
  cp: 'chart mirror',
  delete: 'chart remove',
  gc: 'chart prune',
  get: 'chart pull',
  import: 'chart unbundle',
  info: 'chart show',
  init: 'chart mirror init',
  inspect: 'chart show',
  install: 'helm install',
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

/** @param text one message of commander, with its line break and what follows */
export function usageError(text: string): string {
  return withNearChoice(withOtherOption(withNextStep(text.replace(/^error: /, 'Error: '))));
}

function withNextStep(text: string): string {
  const match = /^Error: unknown command '([^']*)'\n/.exec(text);
  const word = match?.[1];
  const step = word === undefined ? undefined : nextStep(word);
  if (match === null || step === undefined) return text;
  return `${match[0]}(${step})${text.slice(match[0].length).replace(/^\(Did you mean [^\n]*\)/, '') || '\n'}`;
}

/** Options that other programs have. */
const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  '-a': 'for all tags of a repository: chart mirror oci://HOST/PATH cache',
  '--all-tags': 'for all tags of a repository: chart mirror oci://HOST/PATH cache',
  '-v': 'the version is printed by -V, details by --debug',
};

function withOtherOption(text: string): string {
  const match = /^Error: unknown option '([^']*)'\n/.exec(text);
  const step = match && Object.hasOwn(OPTIONS_ELSEWHERE, match[1] as string) && OPTIONS_ELSEWHERE[match[1] as string];
  return match && step ? `${match[0]}(${step})\n${text.slice(match[0].length)}` : text;
}

function nextStep(word: string): string | undefined {
  const elsewhere = Object.hasOwn(ELSEWHERE, word) ? ELSEWHERE[word] : undefined;
  if (elsewhere !== undefined) return `Did you mean ${elsewhere}?`;
  if (/^(?:\.{0,2}[/\\]|~|\.{1,2}$)|\.tgz$/.test(word)) return 'chart save PATH REF brings a chart into the cache';
  if (/[/:]/.test(word)) return 'a command comes first: chart pull REF, chart export REF or chart show all REF';
  return undefined;
}

/** For a word that is none of the choices, the nearest of them; commander suggests only commands and options. */
function withNearChoice(text: string): string {
  const match = /'([^']*)' is invalid(?: for argument '[^']*')?\. Allowed choices are (.*)\.\n$/.exec(text);
  const [near] = match ? nearNames(match[1] as string, (match[2] as string).split(', '), 1) : [];
  return near === undefined ? text : `${text}(Did you mean ${near}?)\n`;
}
