/**
 * The recording of Helm 3.6.3: fixtures/cases.json (its format: fixtures/README.md), with the ports of this run, and
 * what a scenario needs to be replayed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from '../../helpers/fixtures.js';

export interface Scenario {
  readonly name: string;
  readonly notes?: string;
  readonly fixtures?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly cache?: string;
  readonly setup?: string;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly argv: readonly string[];
  readonly before?: string;
  readonly env?: Readonly<Record<string, string | null>>;
  readonly stdin?: string;
  readonly stdin_is_a_terminal?: readonly string[];
  readonly terminal_echo?: string;
  readonly umask?: string;
  readonly cwd?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Its length, where only beginning and end were kept. */
  readonly stderr_shortened_from?: number;
  readonly exit: number;
  readonly after?: After;
}

/** What was looked at when the step was done. */
export interface After {
  readonly index_json?: string | null;
  /** `type mode path size` or `type mode path -> target`. */
  readonly tree?: readonly string[];
  readonly files?: Readonly<Record<string, string | null>>;
  /** A pattern only in departures. */
  readonly sh?: { readonly cmd: string; readonly out: string | RegExp };
}

/** Ports of this run, of four digits as those of the recording, so that every column keeps its width. */
export interface Ports {
  /** A registry without users. */
  readonly open: number;
  /** A registry with the user `user` and the password `pass`. */
  readonly password: number;
  /** Nothing listens here. */
  readonly closed: number;
}

export const RECORDED_PORTS: Ports = { open: 5001, password: 5002, closed: 5999 };

/**
 * Reads the recording. The ports are rewritten in arguments, scripts and expected texts alike, but not in scenarios that
 * start from the cache of fixtures/cache.tar.gz: it names the recorded ports, and none of them goes to a registry.
 */
export function readScenarios(ports: Ports): Scenario[] {
  const scenarios = JSON.parse(readFileSync(join(FIXTURES, 'cases.json'), 'utf8')) as Scenario[];
  return scenarios.map((scenario) => (scenario.cache ? scenario : withPorts(scenario, ports)));
}

/** The same value, with the ports of this run in all its texts. */
export function withPorts<Value>(value: Value, ports: Ports): Value {
  const names = Object.keys(ports) as (keyof Ports)[];
  const own = (text: string) =>
    text.replace(/\b(localhost|127\.0\.0\.[12]):(5001|5002|5999)\b/gi, (_match, host: string, port: string) => {
      return `${host}:${ports[names.find((name) => RECORDED_PORTS[name] === Number(port)) as keyof Ports]}`;
    });
  const inner = (part: unknown): unknown => {
    if (typeof part === 'string') return own(part);
    if (Array.isArray(part)) return part.map(inner);
    if (part === null || typeof part !== 'object' || part instanceof RegExp) return part;
    return Object.fromEntries(Object.entries(part).map(([key, member]) => [key, inner(member)]));
  };
  return inner(value) as Value;
}

/** Only `helm chart` and `helm registry` have a counterpart; Helm's root help, `helm help` and `helm version` have none. */
export function isReplayed({ argv }: Step): boolean {
  return argv[1] === 'chart' || argv[1] === 'registry';
}

/** Scenarios that must follow one another: the first of them fills a registry for the others. */
export function chainOf({ name }: Scenario): string {
  return name.startsWith('pull-foreign-') ? 'pull-foreign' : name;
}

type Tool = 'Linux' | 'bash' | 'python3' | 'curl' | 'docker-registry' | 'htpasswd';

/** What is missing on this machine to replay the scenario. */
export function missingTools(scenario: Scenario): Tool[] {
  return neededTools(scenario).filter((tool) => !isPresent(tool));
}

function neededTools({ setup, steps }: Scenario): Tool[] {
  const scripts = [setup, ...steps.flatMap(({ before, after }) => [before, after?.sh?.cmd])].filter(Boolean).join('\n');
  const wire = steps.map(({ argv }) => argv.join(' ')).filter((line) => /chart (?:push|pull)|registry /.test(line));
  const registries = [scripts, ...wire].join('\n');
  const needs: [Tool, boolean][] = [
    ['Linux', true], // paths, modes and the words of system errors
    ['bash', scripts !== ''],
    ['python3', scripts.includes('python3') || steps.some((step) => step.stdin_is_a_terminal)],
    ['curl', scripts.includes('curl ')],
    ['docker-registry', /:500[12]\b/.test(registries)],
    ['htpasswd', /:5002\b/.test(registries)],
  ];
  return needs.flatMap(([tool, needed]) => (needed ? [tool] : []));
}

const present = new Map<Tool, boolean>();

export function isPresent(tool: Tool): boolean {
  const known = present.get(tool) ?? look(tool);
  present.set(tool, known);
  return known;
}

function look(tool: Tool): boolean {
  if (tool === 'Linux') return process.platform === 'linux';
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
