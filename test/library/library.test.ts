/** The package as others import it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { runProgram } from '../helpers/run.js';

const { exports } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const PARTS = readdirSync(join(PROJECT, 'src', 'library')).map((file) => file.replace(/\.ts$/, ''));

function importPart(part: string): Promise<Record<string, unknown>> {
  return import(join(PROJECT, 'dist', 'library', `${part}.js`));
}

test('every part of the library can be imported by itself, and all of them together', async () => {
  assert.deepEqual(
    Object.keys(exports).filter((name) => !['.', './package.json'].includes(name)),
    PARTS.map((part) => `./${part}`),
  );
  const whole = await import(join(PROJECT, 'dist', 'index.js'));
  const parts = await Promise.all(PARTS.map(importPart));
  const names = new Set(parts.flatMap((part) => Object.keys(part)));
  assert.deepEqual([...names].sort(), Object.keys(whole).sort());
  for (const part of parts) {
    for (const [name, value] of Object.entries(part)) assert.equal(value, whole[name], `${name} is the same in both`);
  }
});

test('has what the README names', async () => {
  const library = await import(join(PROJECT, 'dist', 'index.js'));
  for (const name of ['openLayout', 'openRegistry', 'saveChart', 'copy', 'createHandler']) {
    assert.equal(typeof library[name], 'function', name);
  }
});

test('importing it does nothing: no output, no file, no listener, nothing that keeps the process alive', async (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(PROJECT, join(dir, 'node_modules', 'helm-chart-cache'), 'junction');
  const script = `
    // Node closes the files of the modules a moment later.
    const state = () =>
      JSON.stringify([process.env, process.eventNames().map((name) => [String(name), process.listenerCount(name)]), process.getActiveResourcesInfo().filter((name) => name !== 'CloseReq')]);
    const before = state();
    const names = [${['', ...PARTS.map((part) => `/${part}`)].map((part) => `'helm-chart-cache${part}'`).join(', ')}];
    for (const name of names) await import(name);
    const after = state();
    if (after !== before) console.log(before, after);`;
  const { stdout, stderr, exit } = await runProgram([process.execPath, '--input-type=module', '--eval', script], {
    home: dir,
    cwd: dir,
  });
  assert.deepEqual({ stdout, stderr, exit }, { stdout: '', stderr: '', exit: 0 });
  assert.deepEqual(readdirSync(dir), ['node_modules']);
});

test('the API reference in docs/api is that of the source; "npm run api" writes it', (t) => {
  const out = temporaryDirectory(t);
  const typedoc = join(PROJECT, 'node_modules', 'typedoc', 'bin', 'typedoc');
  execFileSync(process.execPath, [typedoc, '--out', out, '--logLevel', 'Warn', '--treatWarningsAsErrors'], {
    cwd: PROJECT,
    stdio: 'pipe',
    encoding: 'utf8',
  });
  const read = (dir: string) =>
    Object.fromEntries(
      readdirSync(dir).map((file) => [file, readFileSync(join(dir, file), 'utf8').replaceAll('\r\n', '\n')]),
    );
  assert.deepEqual(read(join(PROJECT, 'docs', 'api')), read(out));
});
