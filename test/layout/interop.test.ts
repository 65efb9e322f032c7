import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLayout } from '../../src/layout/layout.js';
import { digestHex } from '../../src/oci/digest.js';
import { parseManifest } from '../../src/oci/manifest.js';
import { temporaryDirectory, unpackCache } from '../helpers/fixtures.js';
import { assertValidLayout, storeNamed } from '../helpers/layout.js';
import { collect } from './collect.js';

test('a cache of Helm 3.6.3 is read, entry by entry and blob by blob', async (t) => {
  const dir = await unpackCache(temporaryDirectory(t));
  const layout = openLayout(dir);
  const entries = await layout.readIndex();
  assert.ok(entries.length > 10);
  for (const { name, descriptor, fault } of entries) {
    assert.equal(fault, undefined);
    assert.ok(name && descriptor);
    const [repository = '', tag = ''] = name.split(/:(?=[^:]*$)/);
    const { bytes } = await layout.repository(repository).readManifest(tag);
    const manifest = parseManifest(bytes, descriptor.mediaType);
    assert.ok(manifest.kind === 'manifest');
    for (const part of [manifest.config, ...manifest.layers]) {
      await layout.verifyBlob(part);
      assert.equal(layout.statBlobFile(part.digest).size, part.size);
      const chunks = await collect(await layout.readBlob(part));
      assert.equal(Buffer.concat(chunks).length, part.size);
    }
  }
  assertValidLayout(dir);
});

test('a cache of Helm 3.6.3 is changed without a trace but the change', async (t) => {
  const dir = await unpackCache(temporaryDirectory(t));
  const layout = openLayout(dir);
  const before = readFileSync(join(dir, 'index.json'), 'utf8');
  const loose = (await layout.planPrune()).blobs.map(({ digest }) => digestHex(digest));
  assert.ok(loose.length > 0, 'Helm left some behind');
  const needed = readdirSync(join(dir, 'blobs/sha256')).filter((name) => !loose.includes(name));
  const { manifest } = await storeNamed(layout, 'r.example.com/ours:1');
  const added = JSON.stringify({
    ...manifest,
    annotations: { 'org.opencontainers.image.ref.name': 'r.example.com/ours:1' },
  });
  assert.equal(readFileSync(join(dir, 'index.json'), 'utf8'), before.replace(/\]\}$/, `,${added}]}`));
  await layout.untag('r.example.com/ours:1');
  assert.equal(readFileSync(join(dir, 'index.json'), 'utf8'), before);
  await layout.applyPrune(await layout.planPrune());
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')).sort(), needed.sort());
  assert.deepEqual(readdirSync(join(dir, 'ingest')), []);
  assertValidLayout(dir);
});

test('naming what Helm 3.6.3 saved again, as it did, changes nothing', async (t) => {
  const dir = await unpackCache(temporaryDirectory(t));
  const layout = openLayout(dir);
  const before = readFileSync(join(dir, 'index.json'), 'utf8');
  for (const { name, descriptor } of await layout.readIndex()) {
    assert.ok(name && descriptor);
    await layout.tag(name, descriptor);
  }
  assert.equal(readFileSync(join(dir, 'index.json'), 'utf8'), before);
});
