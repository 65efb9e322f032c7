import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { isName } from '../../src/server/names.js';
import { assertRefused, imageIndex, json, onEveryTarget, putArtifact, tagsOf } from './fixture.js';

onEveryTarget((serve) => {
  describe('a short name', () => {
    it('finds the one cached repository of a host that ends so', async (t) => {
      const { target, talk } = await serve(t);
      const { descriptor } = await putArtifact(target, 'registry.example.com/team/app', '1.0', 'one');
      await putArtifact(target, 'registry.example.com/other/team/app', '2.0', 'two');
      for (const name of ['team/app', 'registry.example.com/team/app']) {
        assert.equal((await talk(`GET /v2/${name}/manifests/1.0 HTTP/1.1`)).status, 200);
        assert.equal((await talk(`HEAD /v2/${name}/manifests/${descriptor.digest} HTTP/1.1`)).status, 200);
        assert.equal((await talk(`GET /v2/${name}/manifests/2.0 HTTP/1.1`)).status, 404);
        assert.deepEqual(json(await talk(`GET /v2/${name}/tags/list HTTP/1.1`)), { name, tags: ['1.0'] });
      }
      for (const name of ['app', 'example.com/team/app', 'm/team/app']) {
        assert.equal((await talk(`GET /v2/${name}/manifests/1.0 HTTP/1.1`)).status, 404);
      }
    });

    it('finds it below a host with a port, which the long name may have too', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'localhost:5000/team/app', '1.0', 'one');
      assert.equal((await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1')).status, 200);
      assert.equal((await talk('GET /v2/localhost:5000/team/app/manifests/1.0 HTTP/1.1')).status, 200);
      assert.equal((await talk('GET /v2/localhost%3A5000/team/app/manifests/1.0 HTTP/1.1')).status, 200);
    });

    it('finds exactly that where it is there, whatever it lacks', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'registry.example.com/team/app', '1.0', 'one');
      await putArtifact(target, 'team/app', '2.0', 'two');
      assertRefused(await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1'), 404, 'MANIFEST_UNKNOWN');
      assert.deepEqual(json(await talk('GET /v2/team/app/tags/list HTTP/1.1')).tags, ['2.0']);
    });

    it('finds exactly that where it is there without any tag', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'registry.example.com/team/app', '1.0', 'one');
      await putArtifact(target, 'team/app', undefined, 'two');
      assertRefused(await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1'), 404, 'MANIFEST_UNKNOWN');
      assert.deepEqual(json(await talk('GET /v2/team/app/tags/list HTTP/1.1')).tags, []);
    });

    it('never lists all repositories where the exact name answers', async (t) => {
      const { target, talk } = await serve(t);
      const { descriptor } = await putArtifact(target, 'team/app', '1.0', 'one');
      target.listRepositories = () => assert.fail('all repositories were listed');
      const blob = digestOf(Buffer.from('one'));
      for (const path of [`manifests/1.0`, `manifests/${descriptor.digest}`, `blobs/${blob}`, 'tags/list']) {
        assert.equal((await talk(`GET /v2/team/app/${path} HTTP/1.1`)).status, 200, path);
      }
      assert.equal((await talk('GET /v2/team/app/manifests/2.0 HTTP/1.1')).status, 404);
      assert.equal((await talk('GET /v2/registry.example.com/team/app/manifests/1.0 HTTP/1.1')).status, 404);
    });

    it('asks a target that knows names by their end', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'registry.example.com/team/app', '1.0', 'one');
      target.listRepositories = () => assert.fail('all repositories were listed');
      const found = ['registry.example.com/team/app', 'mirror.example.com/old/team/app'];
      const asked: string[] = [];
      Object.assign(target, {
        findRepositories: async (path: string) => {
          asked.push(path);
          return found;
        },
      });
      assert.equal((await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1')).status, 200);
      assert.deepEqual(asked, ['team/app']);
    });

    it('that several hosts have is refused with the long names, unless one is preferred', async (t) => {
      const names = ['a.example.com/team/app', 'b.example.com/team/app'];
      const { target, talk } = await serve(t);
      for (const name of names) await putArtifact(target, name, '1.0', name);
      for (const path of ['manifests/1.0', 'tags/list']) {
        const reply = await talk(`GET /v2/team/app/${path} HTTP/1.1`);
        assert.deepEqual(assertRefused(reply, 404, 'NAME_UNKNOWN'), { names });
        assert.match(reply.body.toString(), /a\.example\.com\/team\/app, b\.example\.com\/team\/app/);
      }
      const preferring = await serve(t, { prefer: 'b.example.com' });
      for (const name of names) await putArtifact(preferring.target, name, '1.0', name);
      const reply = await preferring.talk('GET /v2/team/app/manifests/1.0 HTTP/1.1');
      const { descriptor } = await target.repository('b.example.com/team/app').readManifest('1.0');
      assert.equal(reply.headers['docker-content-digest'], descriptor.digest);
    });

    it('does not reach into a path that no host begins', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'team/app', '1.0', 'one');
      assert.equal((await talk('GET /v2/app/manifests/1.0 HTTP/1.1')).status, 404);
    });
  });

  describe('a push to a short name', () => {
    it('goes to the name as given', async (t) => {
      const { target, talk } = await serve(t);
      const { bytes } = await putArtifact(target, 'registry.example.com/team/app', '1.0', 'one');
      assert.equal((await talk('PUT /v2/team/app/manifests/2.0 HTTP/1.1', bytes)).status, 201);
      assert.deepEqual(await tagsOf(target, 'team/app'), ['2.0']);
      assert.deepEqual(await tagsOf(target, 'registry.example.com/team/app'), ['1.0']);
      assertRefused(await talk('DELETE /v2/team/app/manifests/1.0 HTTP/1.1'), 404, 'MANIFEST_UNKNOWN');
    });

    it('brings in what the client was told is here', async (t) => {
      const { target, talk } = await serve(t);
      const long = 'registry.example.com/team/app';
      const child = await putArtifact(target, long, '1.0', 'one');
      const { digest } = child.descriptor;
      assert.equal((await talk(`HEAD /v2/team/app/manifests/${digest} HTTP/1.1`)).status, 200);
      assert.equal((await talk('PUT /v2/team/app/manifests/all HTTP/1.1', imageIndex([child]).bytes)).status, 201);
      assert.equal((await talk(`GET /v2/team/app/manifests/${digest} HTTP/1.1`)).status, 200);
    });

    it('brings in blobs too, where each repository has its own', async (t) => {
      const { target, talk } = await serve(t);
      const long = 'registry.example.com/team/app';
      const { bytes } = await putArtifact(target, long, '1.0', 'one');
      const repository = target.repository.bind(target);
      const written: string[] = [];
      target.repository = (name) => {
        const found = repository(name);
        if (name === long) return found;
        return Object.assign(found, {
          statBlob: async () => undefined,
          writeBlob: async (descriptor: { digest: string }) => void written.push(descriptor.digest),
        });
      };
      assert.equal((await talk('PUT /v2/team/app/manifests/1.0 HTTP/1.1', bytes)).status, 201);
      assert.deepEqual(written, [digestOf(Buffer.from('{}')), digestOf(Buffer.from('one'))]);
    });

    it('is taken where several hosts have that name', async (t) => {
      const { target, talk } = await serve(t);
      for (const host of ['a.example.com', 'b.example.com']) await putArtifact(target, `${host}/team/app`, '1.0', host);
      const { bytes } = await putArtifact(target, 'other', '1.0', 'one');
      assert.equal((await talk('PUT /v2/team/app/manifests/1.0 HTTP/1.1', bytes)).status, 201);
      assert.equal((await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1')).status, 200);
    });
  });

  describe('a prefix', () => {
    it('is all that is seen', async (t) => {
      const { target, talk } = await serve(t, { prefix: 'registry.example.com/team' });
      await putArtifact(target, 'registry.example.com/team/app', '1.0', 'one');
      await putArtifact(target, 'registry.example.com/teams/app', '1.0', 'two');
      await putArtifact(target, 'other.example.com/team/app', '1.0', 'three');
      await putArtifact(target, 'team/app', '9.0', 'four');
      assert.deepEqual(json(await talk('GET /v2/_catalog HTTP/1.1')).repositories, ['registry.example.com/team/app']);
      for (const name of ['registry.example.com/team/app', 'team/app']) {
        assert.equal((await talk(`GET /v2/${name}/manifests/1.0 HTTP/1.1`)).status, 200, name);
        assert.deepEqual(json(await talk(`GET /v2/${name}/tags/list HTTP/1.1`)).tags, ['1.0']);
      }
      for (const name of ['registry.example.com/teams/app', 'other.example.com/team/app', 'teams/app']) {
        assertRefused(await talk(`GET /v2/${name}/manifests/1.0 HTTP/1.1`), 404, 'MANIFEST_UNKNOWN');
        assertRefused(await talk(`GET /v2/${name}/tags/list HTTP/1.1`), 404, 'NAME_UNKNOWN');
      }
    });

    it('is all that is written to', async (t) => {
      const { target, talk } = await serve(t, { prefix: 'team' });
      const { bytes, descriptor } = await putArtifact(target, 'other/app', '1.0', 'one');
      await putArtifact(target, 'team/base', '1.0', 'one');
      for (const request of [
        'PUT /v2/other/app/manifests/2.0',
        'POST /v2/other/app/blobs/uploads/',
        'DELETE /v2/other/app/manifests/1.0',
        `DELETE /v2/other/app/blobs/${descriptor.digest}`,
      ]) {
        assertRefused(await talk(`${request} HTTP/1.1`, bytes), 403, 'DENIED');
      }
      assert.equal((await talk('PUT /v2/team/app/manifests/2.0 HTTP/1.1', bytes)).status, 201);
    });
  });

  describe('the grammar of names', () => {
    const good = ['a', 'team/app', 'a.b_c__d-e--f/g', 'registry.example.com/a', 'localhost:5000/a/b', '[::1]:5000/a'];
    for (const name of good) it(`takes ${name}`, () => assert.ok(isName(name)));
    const bad = [
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      'A',
      '..',
      'a/../b',
      'a/./b',
      '.a',
      'a.',
      'a..b',
      '-a',
      'a___b',
      'a b',
      'a\\b',
    ];
    const worse = [
      'a\u0000',
      'a%2f',
      'a:b',
      ':5000/a',
      'host:99999/a',
      'host:5000',
      'x:1/y:2/z',
      'é',
      `${'a'.repeat(256)}`,
    ];
    for (const name of [...bad, ...worse])
      it(`refuses ${JSON.stringify(name).slice(0, 40)}`, () => assert.ok(!isName(name)));
  });
});
