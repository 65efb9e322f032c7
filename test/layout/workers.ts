/** Runs worker.ts, bundled once a test file, so that fifty of them start in the time of fifty `node`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const directory = mkdtempSync(join(tmpdir(), 'chart-worker-'));
const bundle = join(directory, 'worker.mjs');
buildSync({
  entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
});
after(() => rmSync(directory, { recursive: true }));

export interface Finished {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

export interface Worker {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** @param onLine is called with each line as it comes */
export function startWorker(words: readonly string[], onLine?: (line: string, child: ChildProcess) => void): Worker {
  return follow(spawn(process.execPath, [bundle, ...words], { stdio: ['ignore', 'pipe', 'pipe'] }), onLine);
}

/** Runs a worker that may not write files of more than `blocks` times 512 bytes. */
export function startLimitedWorker(words: readonly string[], blocks: number): Worker {
  const script = `ulimit -f ${blocks}; exec "$0" "$@"`;
  return follow(spawn('sh', ['-c', script, process.execPath, bundle, ...words], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

function follow(child: ChildProcess, onLine?: (line: string, child: ChildProcess) => void): Worker {
  const lines: string[] = [];
  let errors = '';
  const reader = child.stdout && createInterface({ input: child.stdout });
  reader?.on('line', (line) => {
    lines.push(line);
    onLine?.(line, child);
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, lines, errors }));
  });
  return { child, finished };
}

/** Runs a process that stores one blob and half of another, and dies. */
export async function killedWriter(dir: string): Promise<void> {
  await startWorker(['hang', dir], (line, child) => {
    if (line === 'hanging') child.kill('SIGKILL');
  }).finished;
}

/** The id of a process that has ended. */
export function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}
