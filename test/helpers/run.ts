/**
 * Runs the built program as a user would: `node bin/chart.js ...`, in an environment of its own.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from './fixtures.js';

export interface RunOptions {
  /** The working directory; `home` if absent. */
  readonly cwd?: string | undefined;
  /** Added to the clean environment; undefined and null remove a variable. */
  readonly env?: Readonly<Record<string, string | null | undefined>> | undefined;
  /** What standard input holds before it ends; nothing if absent. */
  readonly stdin?: string | Uint8Array | undefined;
  /** HOME, and what holds the cache and the credentials; a fresh directory that goes afterwards if absent. */
  readonly home?: string | undefined;
  /** Milliseconds after which the program is killed and the run fails; a minute if absent. */
  readonly timeout?: number | undefined;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; null where a signal ended the program. */
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds from start to end. */
  readonly ms: number;
}

/** A program that was started and has not been waited for. */
export interface RunningProgram {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written so far. */
  output(): { stdout: string; stderr: string };
  /** Resolves with the match once standard output (or error) matches; rejects when the program ends before. */
  waitFor(pattern: RegExp, stream?: 'stdout' | 'stderr'): Promise<RegExpExecArray>;
  /** Resolves when the program has ended, by itself or otherwise. */
  readonly ended: Promise<RunResult>;
  /** Sends a signal (SIGTERM if absent) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<RunResult>;
}

const TIMEOUT = 60_000;

/** The program and the arguments that come before its own: node, what keeps it off the network, and bin/chart.js. */
export function chartCommand(): [string, ...string[]] {
  if (!existsSync(join(PROJECT, 'dist', 'cli', 'main.cjs'))) {
    throw new Error('the program is not built: run "npm run build"');
  }
  const offline = pathToFileURL(join(PROJECT, 'test', 'helpers', 'no-network.mjs')).href;
  return [process.execPath, '--import', offline, join(PROJECT, 'bin', 'chart.js')];
}

/** Runs `chart ARGS` to its end. A failure of the program is a result; only a run that cannot be made or ends in time rejects. */
export async function runChart(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return runProgram([...chartCommand(), ...args], options);
}

/** Starts `chart ARGS`, for commands that go on until they are stopped. The caller stops it. */
export function startChart(args: readonly string[], options: RunOptions = {}): RunningProgram {
  return startProgram([...chartCommand(), ...args], { timeout: 0, ...options });
}

/** As {@link runChart}, for any program. */
export async function runProgram(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { ended } = startProgram(command, { timeout: TIMEOUT, ...options });
  return ended;
}

/** As {@link startChart}, for any program; without a time limit unless one is given. */
export function startProgram([file = '', ...args]: readonly string[], options: RunOptions = {}): RunningProgram {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'chart-home-'));
  const started = performance.now();
  const child = spawn(file, args, {
    cwd: options.cwd ?? home,
    env: cleanEnvironment(home, options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const texts = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk;
      for (const listener of listeners) listener();
    });
  }
  // A program that does not read its input may be gone before all of it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  let late = false;
  const timer = options.timeout ? setTimeout(expire, options.timeout) : undefined;
  function expire() {
    late = true;
    child.kill('SIGKILL');
  }
  const ended = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit, signal) => {
      if (late) reject(new Error(`${[file, ...args].join(' ')} did not end in time\n${texts.stdout}${texts.stderr}`));
      else resolve({ ...texts, exit, signal, ms: performance.now() - started });
    });
  }).finally(() => {
    clearTimeout(timer);
    if (options.home === undefined) rmSync(home, { recursive: true, force: true });
  });
  // Whoever waits for the end sees the failure; nobody has to.
  ended.catch(() => {});
  return {
    child,
    ended,
    output: () => ({ ...texts }),
    waitFor: (pattern, stream = 'stdout') =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(texts[stream]);
          if (!match) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        const gone = () => reject(new Error(`ended without ${pattern}\n${texts.stdout}${texts.stderr}`));
        ended.then(gone, gone);
      }),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

/** HOME and its kin under `home`, PATH, and what Windows cannot do without; nothing else of the caller's. */
export function cleanEnvironment(home: string, extra: RunOptions['env'] = {}): Record<string, string> {
  const kept = ['PATH', 'TMPDIR', 'NODE_V8_COVERAGE', 'SystemRoot', 'SystemDrive', 'ComSpec', 'PATHEXT', 'WINDIR'];
  const own: Record<string, string | null | undefined> = {
    ...Object.fromEntries(kept.map((name) => [name, process.env[name]])),
    HOME: home,
    LANG: 'C.UTF-8',
    ...(process.platform === 'win32' && windowsHome(home)),
    ...extra,
  };
  return Object.fromEntries(Object.entries(own).filter((entry): entry is [string, string] => entry[1] != null));
}

function windowsHome(home: string): Record<string, string> {
  const temporary = join(home, 'temp');
  mkdirSync(temporary, { recursive: true });
  return {
    USERPROFILE: home,
    APPDATA: join(home, 'roaming'),
    LOCALAPPDATA: join(home, 'local'),
    TEMP: temporary,
    TMP: temporary,
  };
}
