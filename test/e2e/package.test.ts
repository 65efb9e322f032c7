/** The package as npm packs and installs it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { runProgram } from '../helpers/run.js';

const { name, version, scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));

function npm(args: string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe', shell: process.platform === 'win32' });
}

function pack(into: string): string {
  mkdirSync(into);
  npm(['pack', '--ignore-scripts', '--pack-destination', into], PROJECT);
  return join(into, `${name}-${version}.tgz`);
}

test('packs the same bytes again, and installs into an empty prefix without a network', async (t) => {
  const dir = temporaryDirectory(t);
  const [first, second] = [pack(join(dir, 'first')), pack(join(dir, 'second'))].map((file) =>
    createHash('sha512').update(readFileSync(file)).digest('hex'),
  );
  assert.equal(first, second);

  // npm warns whoever installs the package of any of these, `prepare` included, although only a checkout needs it.
  const alarming = ['preinstall', 'install', 'postinstall', 'prepare'].filter((event) => event in scripts);
  assert.deepEqual(alarming, []);

  const prefix = join(dir, 'prefix');
  mkdirSync(prefix);
  npm(['install', '--global', '--offline', '--prefix', prefix, join(dir, 'first', `${name}-${version}.tgz`)], dir);
  const modules = process.platform === 'win32' ? join(prefix, 'node_modules') : join(prefix, 'lib', 'node_modules');
  assert.deepEqual(
    readdirSync(modules).filter((one) => !one.startsWith('.')),
    [name],
  );
  const program = join(modules, name, 'bin', 'chart.js');
  const { stdout, exit } = await runProgram([process.execPath, program, '--version'], { home: dir });
  assert.deepEqual([stdout.trim(), exit], [version, 0]);
  const page = await runProgram([process.execPath, program, 'help', 'cache'], { home: dir });
  assert.match(page.stdout, /^The cache\n/, page.stderr);
  for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md', 'plugin.yaml', 'dist/LICENSES.txt', 'docs/cache.md']) {
    assert.ok(existsSync(join(modules, name, file)), file);
  }
});

test('the SBOM names what is bundled and nothing else, each with its hash', (t) => {
  execFileSync(process.execPath, [join(PROJECT, 'scripts', 'sbom.mjs')]);
  const read = () => readFileSync(join(PROJECT, 'dist', 'sbom.cdx.json'), 'utf8');
  const first = read();
  const { components, metadata } = JSON.parse(first);
  const bundled = JSON.parse(readFileSync(join(PROJECT, 'dist', 'packages.json'), 'utf8'));
  const label = (one: { name: string; version: string }) => `${one.name}@${one.version}`;
  assert.deepEqual(components.map(label).sort(), bundled.map(label).sort());
  assert.equal(metadata.component.name, name);
  for (const { purl, hashes } of components) {
    assert.match(purl, /^pkg:npm\//);
    assert.equal(hashes[0].alg, 'SHA-512');
  }
  execFileSync(process.execPath, [join(PROJECT, 'scripts', 'sbom.mjs')]);
  assert.equal(read(), first, 'the same source gives the same SBOM');
  t.diagnostic(`${components.length} packages`);
});

test('release notes are the section of the version, and their absence is an error', async (t) => {
  const dir = temporaryDirectory(t);
  const notes = (wanted: string) =>
    runProgram([process.execPath, join(PROJECT, 'scripts', 'release-notes.mjs'), wanted], { home: dir });
  const unreleased = await notes('Unreleased');
  assert.equal(unreleased.exit, 0);
  assert.match(unreleased.stdout, /^### Added\n/);
  assert.doesNotMatch(unreleased.stdout, /^## /m);
  const absent = await notes('v99.0.0');
  assert.equal(absent.exit, 1);
  assert.match(absent.stderr, /no section "## 99\.0\.0 - YYYY-MM-DD"/);
});
