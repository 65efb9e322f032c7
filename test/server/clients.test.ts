import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import bcrypt from 'bcryptjs';
import { createAccess } from '../../src/server/access.js';
import { Passwords } from '../../src/server/passwords.js';
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

  it('pushes with a password where everybody may read, and not without or with a wrong one', async (t) => {
    const home = homeOf(t);
    const passwords = new Passwords(new Map([['ann', bcrypt.hashSync('secret', 4)]]), (password, hash) =>
      bcrypt.compare(password, hash),
    );
    const access = createAccess({ passwords: () => passwords, anonymousRead: true });
    const { target, port } = await serveMemory(t, { access });
    const config = { ...target.putBlob('{}'), mediaType: 'application/vnd.oci.image.config.v1+json' };
    const layer = { ...target.putBlob(gzipSync('content')), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
    await target.repository('team/app').writeManifest(imageManifest({ config, layers: [layer] }), '1.0');
    const [from, to] = ['team/app:1.0', 'team/other:2.0'].map((name) => `docker://127.0.0.1:${port}/${name}`);
    const copy = (...args: string[]) =>
      runProgram(['skopeo', '--insecure-policy', 'copy', ...args, '--dest-tls-verify=false', `${from}`, `${to}`], {
        home,
      });
    const anonymous = ['--src-tls-verify=false', '--src-no-creds'];
    for (const creds of [['--dest-no-creds'], ['--dest-creds', 'ann:wrong'], ['--dest-creds', 'eve:secret']]) {
      assert.notEqual((await copy(...anonymous, ...creds)).exit, 0);
    }
    assert.equal(target.contents.has('team/other'), false);
    const { exit, stderr } = await copy(...anonymous, '--dest-creds', 'ann:secret');
    assert.equal(exit, 0, stderr);
    const login = ['login', '--tls-verify=false', '--authfile', join(home, 'auth.json'), '-u', 'ann', '-p'];
    await skopeo(home, ...login, 'secret', `127.0.0.1:${port}`);
    assert.notEqual((await runProgram(['skopeo', ...login, 'wrong', `127.0.0.1:${port}`], { home })).exit, 0);
  });
});
