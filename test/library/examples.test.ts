/**
 * Every function of the library has an example in its documentation, and the examples do what they say: each runs as a program
 * of somebody who has installed the package, and prints what its comments after `console.log` say.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as esbuild from 'esbuild';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { type RunningProgram, runChart, runProgram, startChart } from '../helpers/run.js';

interface Example {
  readonly name: string;
  readonly file: string;
  readonly code: string;
}

const examples = findExamples();
let work: string;
let registry: RunningProgram;
let address: string;

before(async (t) => {
  work = temporaryDirectory(t as never);
  mkdirSync(join(work, 'node_modules'));
  symlinkSync(PROJECT, join(work, 'node_modules', 'helm-chart-cache'), 'junction');
  symlinkSync(join(PROJECT, 'node_modules', '@types'), join(work, 'node_modules', '@types'), 'junction');
  registry = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(work, 'registry')]);
  address = (await registry.waitFor(/Listening on http:\/\/(\S+)/))[1] as string;
  for (const version of ['1.0.0', '1.1.0', '2.0.0-rc.1']) {
    writeChart(work, version);
    const ref = `${address}/team/app:${version}`;
    for (const args of [
      ['save', 'app', ref],
      ['push', ref],
    ]) {
      const { exit, stderr } = await runChart(args, { home: work, cwd: work });
      assert.equal(exit, 0, stderr);
    }
  }
});

after(() => registry.stop());

test('every function of the library has an example', async () => {
  const library = await import(join(PROJECT, 'dist', 'index.js'));
  const shown = new Set(examples.flatMap(({ code }) => [...namesImported(code)]));
  const functions = Object.keys(library).filter((name) => typeof library[name] === 'function');
  assert.deepEqual(
    functions.filter((name) => !shown.has(name)),
    [],
  );
});

test('the examples fit the types of the package', () => {
  const files = examples.map(({ name, code }, index) => {
    const file = join(work, `${index}-${name}.mts`);
    writeFileSync(file, withAddress(code));
    return file;
  });
  const tsc = join(PROJECT, 'node_modules', 'typescript-native', 'bin', 'tsc');
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    'node',
    '--skipLibCheck',
  ];
  execFileSync(process.execPath, [tsc, ...options, ...files], { cwd: work, stdio: 'pipe', encoding: 'utf8' });
});

for (const { name, file, code } of examples) {
  test(`${name} (${file})`, async (t) => {
    const cwd = temporaryDirectory(t);
    writeChart(cwd, '1.0.0');
    symlinkSync(join(work, 'node_modules'), join(cwd, 'node_modules'), 'junction');
    const program = join(cwd, 'example.mjs');
    writeFileSync(program, esbuild.transformSync(withAddress(code), { loader: 'ts' }).code);
    const { stdout, stderr, exit } = await runProgram([process.execPath, program], { home: cwd, cwd });
    assert.equal(exit, 0, stderr);
    assert.equal(stdout.replaceAll('\\', '/'), withAddress(expectedOutput(code)));
  });
}

function withAddress(text: string): string {
  return text.replaceAll('127.0.0.1:5000', address);
}

/** The comments after `console.log(...)`, and those on the lines after a loop that prints. */
function expectedOutput(code: string): string {
  return [...code.matchAll(/^(?:\s*|.*\); )\/\/ (.*)$/gm)].map(([, text]) => `${text}\n`).join('');
}

function namesImported(code: string): string[] {
  return [...code.matchAll(/import \{([^}]*)\} from 'helm-chart-cache/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
}

function findExamples(): Example[] {
  const files = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return files.sort().flatMap((file) => {
    const text = readFileSync(join(PROJECT, 'src', file), 'utf8');
    const comments = text.matchAll(
      /^\/\*\*\r?\n((?: \*(?!\/).*\r?\n)*) \*\/\r?\nexport (?:abstract )?(?:async )?\w+\*? (\w+)/gm,
    );
    return [...comments].flatMap(([, comment = '', name = '']) =>
      [...comment.matchAll(/@example\r?\n(?: \* (?!```).*\r?\n)* \* ```ts\r?\n([\s\S]*?) \* ```/g)].map(
        ([, body = '']) => ({
          name,
          file: `src/${file.replaceAll('\\', '/')}`,
          code: body.replace(/^ \* ?/gm, ''),
        }),
      ),
    );
  });
}

function writeChart(dir: string, version: string): void {
  const chart = join(dir, 'app');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: app\nversion: ${version}\n`);
  writeFileSync(join(chart, 'values.yaml'), 'replicas: 2\n');
  writeFileSync(join(chart, 'templates', 'service.yaml'), 'kind: Service\n');
}
