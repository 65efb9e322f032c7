/** docs/bundles.md does what it says. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { FIXTURES, PROJECT, temporaryDirectory } from '../helpers/fixtures.js';

test('docs/bundles.md', { skip: skipPages() }, async (t) => {
  const directory = temporaryDirectory(t);
  const run = await runPage(join(PROJECT, 'docs', 'bundles.md'), {
    directory,
    values: { USB: join(directory, 'outside', 'work') },
    // The machine inside, without a network in between.
    programs: {
      ssh: `#!/bin/sh\nshift\nHOME='${join(directory, 'inside', 'home')}' exec "$@"\n`,
    },
    prepare(machine, work) {
      if (machine !== 'outside') return;
      cpSync(join(FIXTURES, 'real'), join(work, 'charts'), { recursive: true });
      const newer = join(work, 'charts-of-february', 'webshop');
      mkdirSync(newer, { recursive: true });
      cpSync(join(FIXTURES, 'real', 'webshop'), newer, { recursive: true });
      const chart = join(newer, 'Chart.yaml');
      writeFileSync(chart, readFileSync(chart, 'utf8').replace(/^version: .*$/m, 'version: 3.3.0'));
    },
  });
  assert.ok(run.commands >= 15);
});
