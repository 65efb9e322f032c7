import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import bcrypt from 'bcryptjs';
import { createAccess } from '../../src/server/access.js';
import { createPages, createProbes } from '../../src/server/pages.js';
import { Passwords } from '../../src/server/passwords.js';
import { assertRefused, putArtifact, type ServedOptions, serveMemory } from './fixture.js';

const compare = (password: string, hash: string) => bcrypt.compare(password, hash);

function passwordsOf(users: Record<string, string>): Passwords {
  const hashes = Object.entries(users).map(([user, password]) => [user, bcrypt.hashSync(password, 4)] as const);
  return new Passwords(new Map(hashes), compare);
}

function basic(user: string, password: string): string {
  return `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function serveGuarded(t: TestContext, anonymousRead = false, options: ServedOptions = {}) {
  let passwords = passwordsOf({ ann: 'pa:ss wörd' });
  const served = await serveMemory(t, {
    access: createAccess({ passwords: () => passwords, anonymousRead }),
    probes: createProbes(async () => {}),
    site: createPages({
      '/page': (_request, response) => {
        response.end('secret');
      },
    }),
    ...options,
  });
  await putArtifact(served.target, 'team/app', '1.0', 'one');
  const change = (users: Record<string, string>) => {
    passwords = passwordsOf(users);
  };
  return { ...served, change };
}

const READ = ['GET /v2/team/app/manifests/1.0', 'HEAD /v2/team/app/manifests/1.0', 'GET /v2/_catalog', 'GET /page'];
const WRITE = [
  'POST /v2/team/app/blobs/uploads/',
  'PUT /v2/team/app/manifests/2.0',
  'DELETE /v2/team/app/manifests/1.0',
];

describe('with a password file', () => {
  it('lets nobody in without a password, and says how to bring one', async (t) => {
    const { talk, target } = await serveGuarded(t);
    for (const request of ['GET /v2/', ...READ, ...WRITE, 'GET /nothing', 'GET /v2/nothing']) {
      const reply = await talk(`${request} HTTP/1.1`, '');
      assert.equal(reply.status, 401, request);
      assert.match(reply.headers['www-authenticate'] ?? '', /^Basic realm="[^"]+"/);
      if (!request.startsWith('HEAD')) assertRefused(reply, 401, 'UNAUTHORIZED');
    }
    assert.equal(target.uploads.size, 0);
  });

  it('lets in who has one', async (t) => {
    const { talk } = await serveGuarded(t);
    const header = basic('ann', 'pa:ss wörd');
    for (const request of ['GET /v2/', ...READ])
      assert.equal((await talk(`${request} HTTP/1.1\n${header}`)).status, 200);
    assert.equal((await talk(`POST /v2/team/app/blobs/uploads/ HTTP/1.1\n${header}`, '')).status, 202);
  });

  it('refuses what is wrong, or of another scheme, or no header of the kind, and tells nothing of the user', async (t) => {
    const { talk, errors } = await serveGuarded(t);
    const wrong = [basic('ann', 'wrong'), basic('nobody', 'pa:ss wörd'), basic('ann', ''), basic('', 'pa:ss wörd')];
    const missing = [
      'Authorization: Bearer abc',
      'Authorization: Basic',
      'Authorization: Basic ####',
      `Authorization: Basic ${Buffer.from('no colon').toString('base64')}`,
      'Authorization: ',
    ];
    for (const headers of [wrong, missing]) {
      const bodies = new Set<string>();
      for (const header of headers) {
        const reply = await talk(`GET /v2/team/app/manifests/1.0 HTTP/1.1\n${header}`);
        assertRefused(reply, 401, 'UNAUTHORIZED');
        bodies.add(reply.body.toString());
      }
      assert.equal(bodies.size, 1, 'an unknown user is told what one with a wrong password is told');
      assert.doesNotMatch([...bodies].join(), /ann|nobody/);
    }
    assert.deepEqual(errors, []);
  });

  it('always answers who watches over the server', async (t) => {
    const { talk } = await serveGuarded(t);
    assert.equal((await talk('GET /healthz HTTP/1.1')).body.toString(), 'ok\n');
    assert.equal((await talk('GET /readyz HTTP/1.1')).body.toString(), 'ready\n');
    assertRefused(await talk('GET /healthz/x HTTP/1.1'), 401, 'UNAUTHORIZED');
  });

  it('goes by the file as it is now', async (t) => {
    const { talk, change } = await serveGuarded(t);
    const ann = `GET /v2/ HTTP/1.1\n${basic('ann', 'pa:ss wörd')}`;
    assert.equal((await talk(ann)).status, 200);
    change({ bob: 'other' });
    assert.equal((await talk(ann)).status, 401);
    assert.equal((await talk(`GET /v2/ HTTP/1.1\n${basic('bob', 'other')}`)).status, 200);
  });

  it('asks before it says that nothing is written here', async (t) => {
    const { talk } = await serveGuarded(t, false, { writable: false });
    assertRefused(await talk('PUT /v2/team/app/manifests/2.0 HTTP/1.1', ''), 401, 'UNAUTHORIZED');
    const known = `PUT /v2/team/app/manifests/2.0 HTTP/1.1\n${basic('ann', 'pa:ss wörd')}`;
    assertRefused(await talk(known, ''), 405, 'UNSUPPORTED');
  });
});

describe('with reading for everybody', () => {
  it('asks for a password to write, and at /v2/, where clients log in', async (t) => {
    const { talk } = await serveGuarded(t, true);
    for (const request of READ) assert.equal((await talk(`${request} HTTP/1.1`)).status, 200, request);
    for (const request of [...WRITE, 'GET /v2/', 'POST /page']) {
      assertRefused(await talk(`${request} HTTP/1.1`, ''), 401, 'UNAUTHORIZED');
    }
    const header = basic('ann', 'pa:ss wörd');
    assert.equal((await talk(`POST /v2/team/app/blobs/uploads/ HTTP/1.1\n${header}`, '')).status, 202);
  });

  it('takes an empty user and password for none, and refuses a wrong one', async (t) => {
    const { talk } = await serveGuarded(t, true);
    assert.equal((await talk(`GET /v2/team/app/tags/list HTTP/1.1\n${basic('', '')}`)).status, 200);
    assertRefused(await talk(`POST /v2/a/blobs/uploads/ HTTP/1.1\n${basic('', '')}`, ''), 401, 'UNAUTHORIZED');
    assertRefused(await talk(`GET /v2/team/app/tags/list HTTP/1.1\n${basic('ann', 'x')}`), 401, 'UNAUTHORIZED');
  });
});

describe('a change that a page in a browser asks for', () => {
  it('is refused, whoever it comes from', async (t) => {
    const { talk, target } = await serveMemory(t);
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:5000']) {
      const post = `POST /v2/a/blobs/uploads/ HTTP/1.1\nOrigin: ${origin}`;
      assertRefused(await talk(post, ''), 403, 'DENIED');
      assert.equal((await talk(`GET /v2/ HTTP/1.1\nOrigin: ${origin}`)).status, 200);
    }
    assert.equal(target.uploads.size, 0);
  });
});
