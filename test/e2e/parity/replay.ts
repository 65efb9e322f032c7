/**
 * Plays one scenario: a directory with `home/` and `work/` as the recording had it, the steps one after another, and
 * what was there after each.
 */
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram } from '../../helpers/run.js';
import { runOnTerminal } from '../../helpers/terminal.js';
import { type CacheState, readCacheState } from './cache-state.js';
import type { After, Scenario, Step } from './cases.js';

/** What is run in place of `helm`. */
export interface Program {
  /** The whole command line for the arguments that followed `helm`. */
  command(argv: readonly string[]): readonly string[];
  /** A directory with a `helm` that runs the same program, for the scripts of the recording. */
  readonly shim: string;
}

export interface Observation {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | null;
  /** What the terminal showed, where one was used. */
  readonly screen: string | undefined;
  readonly after: After;
  readonly cache: CacheState;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly ended: number;
}

export interface Stage {
  readonly root: string;
  readonly home: string;
  readonly work: string;
  readonly program: Program;
}

/** Sets the stage in an empty directory. `samples` holds the unpacked charts/ and cache/. */
export async function setStage(root: string, program: Program, scenario: Scenario, samples: string): Promise<Stage> {
  const stage = { root, home: join(root, 'home'), work: join(root, 'work'), program };
  mkdirSync(stage.home);
  mkdirSync(stage.work);
  for (const chart of scenario.fixtures ?? [])
    copy(join(samples, chart), join(stage.work, chart.replace('charts/', '')));
  for (const [name, text] of Object.entries(scenario.files ?? {})) {
    mkdirSync(dirname(join(stage.work, name)), { recursive: true });
    writeFileSync(join(stage.work, name), text);
  }
  if (scenario.cache) copy(join(samples, 'cache'), defaultCache(stage));
  if (scenario.setup) await script(stage, scenario.setup);
  return stage;
}

/** Plays a step and looks at what it left: at what the recording looked at, or at `wanted`. */
export async function playStep(stage: Stage, step: Step, wanted: After = step.after ?? {}): Promise<Observation> {
  if (step.before) await script(stage, step.before);
  const started = Date.now();
  const ran = await runStep(stage, step);
  const ended = Date.now();
  const cache = readCacheState(cacheOf(stage, step));
  const after = await lookAfterwards(stage, wanted, step.after?.tree ?? []);
  return {
    stdout: recordedPaths(stage, ran.stdout),
    stderr: recordedPaths(stage, ran.stderr),
    exit: ran.exit,
    screen: ran.screen,
    after,
    cache,
    started,
    ended,
  };
}

interface Ran {
  stdout: string;
  stderr: string;
  exit: number | null;
  screen: string | undefined;
}

async function runStep(stage: Stage, step: Step): Promise<Ran> {
  const argv = step.argv.slice(1).map((argument) => ownPaths(stage, argument));
  const program = stage.program.command(argv);
  const command = step.umask ? ['sh', '-c', `umask ${step.umask}; exec "$@"`, 'sh', ...program] : program;
  const stepEnv = Object.entries(step.env ?? {}).map(([key, value]) => [key, value && ownPaths(stage, value)]);
  const options = {
    cwd: step.cwd ? ownPaths(stage, step.cwd) : stage.work,
    home: stage.home,
    env: { ...environment(stage), ...Object.fromEntries(stepEnv) },
  };
  if (!step.stdin_is_a_terminal)
    return { ...(await runProgram(command, { ...options, stdin: step.stdin })), screen: undefined };
  return runOnTerminal(command, { ...options, type: step.stdin_is_a_terminal });
}

function environment({ program }: Stage): Record<string, string> {
  return { PATH: `${program.shim}:/usr/bin:/bin`, HELM_EXPERIMENTAL_OCI: '1' };
}

/** Runs a script of the recording in the working directory, and returns what it printed. */
async function script(stage: Stage, text: string): Promise<string> {
  const env = { ...environment(stage), CACHE: defaultCache(stage) };
  const { stdout } = await runProgram(['bash', '-c', text], { cwd: stage.work, home: stage.home, env });
  return stdout;
}

async function lookAfterwards(
  stage: Stage,
  { index_json, tree, files, sh }: After,
  recordedTree: readonly string[],
): Promise<After> {
  return {
    ...(index_json !== undefined && { index_json: readText(join(defaultCache(stage), 'index.json')) }),
    ...(tree && { tree: listTree(stage.root, rootOfTree(recordedTree)) }),
    ...(files && {
      files: Object.fromEntries(Object.keys(files).map((name) => [name, readText(join(stage.root, name))])),
    }),
    ...(sh && {
      sh: { cmd: sh.cmd, out: recordedPaths(stage, (await script(stage, sh.cmd)).replaceAll('\r\n', '\n')) },
    }),
  };
}

/** A tree was recorded from some directory on; its entries say which. One without entries was that of `home`. */
function rootOfTree([first]: readonly string[]): string {
  if (first === undefined) return 'home';
  const path = first.slice('f 0644 '.length).replace(/ -> .*$/, '');
  return dirname(path.startsWith('/') || !first.startsWith('f') ? path : path.replace(/ \d+$/, ''));
}

/** Every entry below `root/start`, in the form and the order of the recording. */
function listTree(root: string, start: string): string[] {
  const lines: string[] = [];
  const visit = (directory: string): void => {
    for (const name of readdirSync(join(root, directory)).sort()) {
      const path = `${directory}/${name}`;
      const stat = lstatSync(join(root, path));
      const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
      if (stat.isDirectory()) {
        lines.push(`d ${mode} ${path}/`);
        visit(path);
      } else if (stat.isSymbolicLink()) lines.push(`l ${mode} ${path} -> ${readlinkSync(join(root, path))}`);
      else lines.push(`f ${mode} ${path} ${stat.size}`);
    }
  };
  visit(start);
  return lines;
}

/** `$CACHE` of the scripts. */
function defaultCache({ home }: Pick<Stage, 'home'>): string {
  return join(home, '.cache', 'helm', 'registry', 'cache');
}

function cacheOf(stage: Stage, { env = {} }: Step): string {
  if (env.HELM_CACHE_HOME) return join(ownPaths(stage, env.HELM_CACHE_HOME), 'registry', 'cache');
  if (env.XDG_CACHE_HOME) return join(ownPaths(stage, env.XDG_CACHE_HOME), 'helm', 'registry', 'cache');
  return defaultCache(stage);
}

function ownPaths({ root, work }: Stage, text: string): string {
  return text.replaceAll('<TMP>/here', work).replaceAll('<TMP>', root);
}

function recordedPaths({ root, work }: Stage, text: string): string {
  return text.replaceAll(work, '<TMP>/here').replaceAll(root, '<TMP>');
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** With modes, links as they are. */
function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  const repeatModes = (path: string): void => {
    const stat = lstatSync(join(from, path));
    if (stat.isSymbolicLink()) return;
    chmodSync(join(to, path), stat.mode & 0o7777);
    if (stat.isDirectory()) for (const name of readdirSync(join(from, path))) repeatModes(join(path, name));
  };
  repeatModes('.');
}
