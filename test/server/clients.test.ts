import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { requireTools } from '../helpers/docker-registry.js';
import { runProgram } from '../helpers/run.js';
import { imageManifest, serveMemory } from './fixture.js';

describe('skopeo', { skip: requireTools('skopeo') }, () => {
  async function skopeo(home: string, ...args: string[]): Promise<string> {
    const { stdout, stderr, exit } = await runProgram(['skopeo', '--insecure-policy', ...args], { home });
    assert.equal(exit, 0, stderr);
    return stdout;
  }

  function homeOf(t: TestContext): string {
    const home = mkdtempSync(join(tmpdir(), 'chart-skopeo-'));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    return home;
  }

  it('copies an artifact out and in again, lists its tags and deletes it', async (t) => {
    const home = homeOf(t);
    const { target, port, errors } = await serveMemory(t);
    const config = { ...target.putBlob('{}'), mediaType: 'application/vnd.oci.image.config.v1+json' };
    const layers = [randomBytes(700_000), Buffer.from('small')]
      .map((bytes) => gzipSync(bytes))
      .map((bytes) => ({
        ...target.putBlob(bytes),
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      }));
    const manifest = imageManifest({ config, layers });
    await target.repository('team/app').writeManifest(manifest, '1.0');
    const registry = `docker://127.0.0.1:${port}`;
    const layout = `oci:${join(home, 'layout')}:1.0`;

    await skopeo(home, 'copy', '--src-tls-verify=false', `${registry}/team/app:1.0`, layout);
    target.blobs.clear();
    await skopeo(home, 'copy', '--dest-tls-verify=false', layout, `${registry}/other/app:2.0`);
    for (const { digest } of [config, ...layers]) assert.ok(target.blobs.has(digest));
    const raw = await skopeo(home, 'inspect', '--raw', '--tls-verify=false', `${registry}/other/app:2.0`);
    assert.equal(raw, Buffer.from(manifest.bytes).toString());
    const list = JSON.parse(await skopeo(home, 'list-tags', '--tls-verify=false', `${registry}/other/app`));
    assert.deepEqual(list.Tags, ['2.0']);

    await skopeo(home, 'delete', '--tls-verify=false', `${registry}/other/app:2.0`);
    assert.equal(target.contents.get('other/app')?.manifests.size, 0);
    assert.deepEqual(errors, []);
  });
});
