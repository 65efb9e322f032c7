import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { syncDirectory } from '../../src/layout/durable.js';
import { temporaryDirectory } from '../helpers/fixtures.js';

test('a directory that cannot be synced is named, with what to do', {
  skip: process.platform === 'win32' && 'directories are not synced there',
}, async (t) => {
  const path = join(temporaryDirectory(t), 'absent');
  await assert.rejects(syncDirectory(path), {
    name: 'ChartError',
    code: 'LAYOUT_UNWRITABLE',
    message: `cannot write ${path} to the disk: ENOENT`,
    hint: /power failure/,
  });
});
