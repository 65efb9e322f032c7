import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { freePort, requireTools } from '../helpers/docker-registry.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { runChart, runProgram } from '../helpers/run.js';

const DOCS = join(PROJECT, 'docs');
const skip = skipPages() || requireTools('curl', 'openssl');

test('docs/serve.md says what to type, and what is then printed', { skip }, async (t) => {
  const [plain, tls] = [await freePort(), await freePort()];
  const run = await runPage(join(DOCS, 'serve.md'), {
    directory: temporaryDirectory(t),
    values: { ADDRESS: `127.0.0.1:${plain}`, TLS_ADDRESS: `127.0.0.1:${tls}` },
  });
  assert.ok(run.commands >= 7);
});

test('docs/serve.md has every option of chart serve, and names tests that are there', async () => {
  const page = readFileSync(join(DOCS, 'serve.md'), 'utf8');
  const { stdout } = await runChart(['serve', '--help']);
  const own = stdout.slice(0, stdout.indexOf('Global Options:'));
  const options = [...own.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1] as string);
  assert.ok(options.length > 20);
  assert.deepEqual(
    options.filter((option) => !page.includes(option)),
    [],
  );
  for (const [file, title] of [...page.matchAll(/(test\/[\w/.-]+\.ts)(?:: "([^"]+)")?/g)].map((m) => [m[1], m[2]])) {
    const text = readFileSync(join(PROJECT, file as string), 'utf8');
    assert.ok(title === undefined || text.includes(title), `${file}: ${title}`);
  }
});

test('what docs/serve/ starts is understood', async () => {
  const known = (await runChart(['serve', '--help'])).stdout;
  const [service, kubernetes] = ['chart-serve.service', 'kubernetes.yaml'].map((name) =>
    readFileSync(join(DOCS, 'serve', name), 'utf8'),
  ) as [string, string];
  const [workload, ...others] = parseAllDocuments(kubernetes).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
  assert.deepEqual(
    [workload, ...others].map(({ kind }) => kind),
    ['StatefulSet', 'Service', 'PodDisruptionBudget'],
  );
  const args: string[] = workload.spec.template.spec.containers[0].args;
  const options = [...args, ...(service.match(/--[a-z-]+/g) ?? []).filter((option) => option !== '--shutdown-timeout')];
  for (const option of options) assert.ok(known.includes(`  ${option.replace(/=.*/, '')} `), option);
  assert.deepEqual(readdirSync(join(DOCS, 'serve')).sort(), ['Dockerfile', 'chart-serve.service', 'kubernetes.yaml']);
});

test('the systemd unit is one', { skip: requireTools('systemd-analyze') }, async (t) => {
  const file = join(DOCS, 'serve', 'chart-serve.service');
  const { stderr, stdout } = await runProgram(['systemd-analyze', 'verify', file], { home: temporaryDirectory(t) });
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('chart-serve.service'));
  assert.deepEqual(said, []);
});
