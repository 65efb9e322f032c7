/** docs/mirror.md does what it says. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { indexOf, packCharts, startClassicServer } from '../helpers/classic-repository.js';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { startChart } from '../helpers/run.js';

test('docs/mirror.md', { skip: skipPages() }, async (t) => {
  const directory = temporaryDirectory(t);
  const charts = await packCharts(directory, [
    { name: 'web', version: '1.4.0' },
    { name: 'web', version: '1.3.0' },
    { name: 'db', version: '2.0.0' },
  ]);
  const classic = await startClassicServer(t);
  classic.put('/index.yaml', indexOf(charts));
  for (const { file, bytes } of charts) classic.put(`/${file}`, bytes);
  const server = startChart([
    'serve',
    '--writable',
    '--addr',
    '127.0.0.1:0',
    '--cache-dir',
    join(directory, 'registry'),
  ]);
  t.after(() => server.stop());
  const [, host = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  const run = await runPage(join(PROJECT, 'docs', 'mirror.md'), {
    directory,
    values: { CLASSIC: classic.url, REGISTRY: host },
  });
  assert.equal(run.commands, 8);
});
