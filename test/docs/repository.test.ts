/** docs/repository.md does what it says. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { PROJECT, REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { runChart } from '../helpers/run.js';

test('docs/repository.md', { skip: skipPages() }, async (t) => {
  const run = await runPage(join(PROJECT, 'docs', 'repository.md'), {
    directory: temporaryDirectory(t),
    values: { ADDRESS: `127.0.0.1:${await freePort()}` },
    async prepare(_machine, _work, home) {
      const { exit, stderr } = await runChart(['save', ...REAL_CHARTS, '--to', 'registry.example.com/team'], { home });
      assert.equal(exit, 0, stderr);
    },
  });
  assert.ok(run.commands >= 2);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
