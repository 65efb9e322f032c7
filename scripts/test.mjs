// Runs the tests: all of test/**/*.test.ts, or the files and directories that are named. Other arguments go to node.
//
//     node scripts/test.mjs                              everything
//     node scripts/test.mjs test/chart                   one directory
//     node scripts/test.mjs test/chart/pack.test.ts --test-name-pattern='mode'
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const missing = named.filter((path) => !existsSync(path));
if (missing.length > 0) fail(`no such file: ${missing.join(', ')}`);
const files = (named.length > 0 ? named : ['test']).flatMap(testFiles);
if (files.length === 0) fail(`no *.test.ts in ${named.join(', ') || 'test'}`);

// Two at least: a file that waits for a process it started leaves the processor to another.
const concurrency = Math.max(2, availableParallelism());
// The same on every Node version, and whether or not a terminal is there.
const reporter = options.some((option) => option.startsWith('--test-reporter')) ? [] : ['--test-reporter=spec'];
const child = spawn(
  process.execPath,
  ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, ...reporter, ...options, ...files],
  { stdio: 'inherit' },
);
child.on('error', (error) => fail(error.message));
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));

/** The test files at or under a path, in a fixed order. */
function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true })
    .map((name) => join(path, name))
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
