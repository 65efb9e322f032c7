/** docs/migration.md does what it says, with a cache that Helm 3.6.3 wrote. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { PROJECT, temporaryDirectory, unpackCache } from '../helpers/fixtures.js';
import { startChart } from '../helpers/run.js';

test('docs/migration.md', { skip: skipPages() }, async (t) => {
  const directory = temporaryDirectory(t);
  const run = await runPage(join(PROJECT, 'docs', 'migration.md'), {
    directory,
    values: { REGISTRY: await startRegistry(t, join(directory, 'registry')) },
    async prepare(_machine, _work, home) {
      const cache = join(home, '.cache', 'helm', 'registry', 'cache');
      mkdirSync(dirname(cache), { recursive: true });
      renameSync(await unpackCache(directory), cache);
    },
  });
  assert.ok(run.commands >= 8);
});

async function startRegistry(t: TestContext, storage: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', storage]);
  t.after(() => server.stop());
  return (await server.waitFor(/Listening on http:\/\/(\S+)/))[1] as string;
}
