/** README.md does what it says. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { freePort } from '../helpers/docker-registry.js';
import { FIXTURES, PROJECT, temporaryDirectory } from '../helpers/fixtures.js';

test('README.md', { skip: skipPages() }, async (t) => {
  const directory = temporaryDirectory(t);
  const usb = join(directory, 'usb');
  mkdirSync(usb);
  const run = await runPage(join(PROJECT, 'README.md'), {
    directory,
    values: {
      SERVED: `localhost:${await freePort()}`,
      INSIDE: `127.0.0.1:${await freePort()}`,
      USB: usb,
    },
    prepare(machine, work) {
      if (machine === 'here') cpSync(join(FIXTURES, 'real', 'webshop'), join(work, 'webshop'), { recursive: true });
    },
  });
  assert.ok(run.commands >= 20);
  t.diagnostic(run.left.join('\n'));
});
