import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { assertRefused, json, onEveryTarget, putArtifact, type Served } from './fixture.js';

onEveryTarget((serve) => {
  async function serveTags(t: TestContext, tags: readonly string[]): Promise<Served> {
    const served = await serve(t);
    for (const tag of tags) await putArtifact(served.target, 'team/app', tag, 'one');
    return served;
  }

  describe('the list of tags', () => {
    it('is sorted by code unit', async (t) => {
      const { talk } = await serveTags(t, ['b', 'a', 'B', '10', '9', '_', 'a.b', 'a-b']);
      const reply = await talk('GET /v2/team/app/tags/list HTTP/1.1');
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-type'], 'application/json');
      assert.equal(reply.headers.link, undefined);
      const sorted = ['10', '9', 'B', '_', 'a', 'a-b', 'a.b', 'b'];
      assert.deepEqual(json(reply), { name: 'team/app', tags: sorted });
      const head = await talk('HEAD /v2/team/app/tags/list HTTP/1.1');
      assert.equal(head.headers['content-length'], reply.headers['content-length']);
      assert.equal(head.body.length, 0);
    });

    it('comes in pages that a Link leads through', async (t) => {
      const { talk } = await serveTags(t, ['a', 'b', 'c', 'd', 'e']);
      const seen: unknown[] = [];
      let path = '/v2/team/app/tags/list?n=2';
      for (;;) {
        const reply = await talk(`GET ${path} HTTP/1.1`);
        seen.push(json(reply).tags);
        const link = /^<(.*)>; rel="next"$/.exec(reply.headers.link ?? '');
        if (!link) break;
        path = link[1] as string;
      }
      assert.deepEqual(seen, [['a', 'b'], ['c', 'd'], ['e']]);
    });

    const pages: [query: string, tags: string[], link: string | undefined][] = [
      ['n=0', [], undefined],
      ['n=5', ['a', 'b', 'c', 'd', 'e'], undefined],
      ['n=4', ['a', 'b', 'c', 'd'], '</v2/team/app/tags/list?n=4&last=d>; rel="next"'],
      ['n=999999999', ['a', 'b', 'c', 'd', 'e'], undefined],
      ['last=c', ['d', 'e'], undefined],
      ['n=1&last=c', ['d'], '</v2/team/app/tags/list?n=1&last=d>; rel="next"'],
      ['n=1&last=bb', ['c'], '</v2/team/app/tags/list?n=1&last=c>; rel="next"'],
      ['last=z', [], undefined],
    ];
    for (const [query, tags, link] of pages) {
      it(`with ${query} is [${tags}]`, async (t) => {
        const { talk } = await serveTags(t, ['c', 'a', 'e', 'b', 'd']);
        const reply = await talk(`GET /v2/team/app/tags/list?${query} HTTP/1.1`);
        assert.deepEqual(json(reply).tags, tags);
        assert.equal(reply.headers.link, link);
      });
    }

    it('refuses a count that is none', async (t) => {
      const { talk } = await serveTags(t, ['a']);
      for (const n of ['-1', 'x', '1e3', '', '99999999999999999999']) {
        assertRefused(await talk(`GET /v2/team/app/tags/list?n=${n} HTTP/1.1`), 400, 'UNSUPPORTED');
      }
    });

    it('is empty for a repository whose tags are gone, and refused for one that never was', async (t) => {
      const { talk } = await serveTags(t, ['a']);
      await talk('DELETE /v2/team/app/manifests/a HTTP/1.1');
      assert.deepEqual(json(await talk('GET /v2/team/app/tags/list HTTP/1.1')), { name: 'team/app', tags: [] });
      assertRefused(await talk('GET /v2/team/other/tags/list HTTP/1.1'), 404, 'NAME_UNKNOWN');
    });

    it('shows a tag once that is there with + and with _', async (t) => {
      const { talk } = await serveTags(t, ['1.0.0+a', '1.0.0_a', '1.0.0+b']);
      assert.deepEqual(json(await talk('GET /v2/team/app/tags/list HTTP/1.1')).tags, ['1.0.0_a', '1.0.0_b']);
    });
  });

  describe('the catalog', () => {
    it('lists repositories, sorted and in pages', async (t) => {
      const { target, talk } = await serve(t);
      assert.deepEqual(json(await talk('GET /v2/_catalog HTTP/1.1')), { repositories: [] });
      const names = ['team/b', 'registry.example.com/team/a', 'localhost:5000/a', 'a'];
      for (const name of names) await putArtifact(target, name, '1', 'one');
      const all = ['a', 'localhost:5000/a', 'registry.example.com/team/a', 'team/b'];
      assert.deepEqual(json(await talk('GET /v2/_catalog HTTP/1.1')), { repositories: all });
      const page = await talk('GET /v2/_catalog?n=1&last=a HTTP/1.1');
      assert.deepEqual(json(page), { repositories: ['localhost:5000/a'] });
      assert.equal(page.headers.link, '</v2/_catalog?n=1&last=localhost%3A5000%2Fa>; rel="next"');
      assert.deepEqual(json(await talk('GET /v2/_catalog?n=1&last=localhost%3A5000%2Fa HTTP/1.1')), {
        repositories: ['registry.example.com/team/a'],
      });
    });

    it('leaves out what no request can name', async (t) => {
      const { target, talk } = await serve(t);
      for (const name of ['Upper/Case', 'a//b', 'ok']) await putArtifact(target, name, '1', 'one');
      assert.deepEqual(json(await talk('GET /v2/_catalog HTTP/1.1')), { repositories: ['ok'] });
    });
  });
});
