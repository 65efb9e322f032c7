import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { digestOf } from '../../src/oci/digest.js';
import { describeManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import { referrersTag } from '../../src/oci/referrers.js';
import type { Answer, ExpectedRequest } from '../helpers/http-exchange.js';
import { MANIFEST, manifestOf } from './artifacts.js';
import { openExchange } from './opened.js';

const SUBJECT = MANIFEST.descriptor;
const TAG = referrersTag(SUBJECT.digest);
const API = `/v2/team/app/referrers/${SUBJECT.digest}`;
const TAGGED = `/v2/team/app/manifests/${TAG}`;
const SIGNATURE = manifestOf({ subject: SUBJECT, artifactType: 'application/x.signature', annotations: { a: 'b' } });
const LISTED = { ...SIGNATURE.descriptor, artifactType: 'application/x.signature', annotations: { a: 'b' } };

function other(name: string, artifactType = 'application/x.sbom') {
  return { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from(name)), size: 1, artifactType };
}

function index(...manifests: unknown[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
}

function listing(manifests: unknown[], headers: Record<string, string> = {}): Answer {
  return { headers: { 'content-type': OCI_INDEX, ...headers }, body: index(...manifests) };
}

function get(path: string, answer: Answer): ExpectedRequest {
  return { method: 'GET', path, answer };
}

const PUT: ExpectedRequest = {
  method: 'PUT',
  path: `/v2/team/app/manifests/${SIGNATURE.descriptor.digest}`,
  answer: { status: 201 },
};

test('lists what the API lists, page by page', async (t) => {
  const { repository } = await openExchange(t, [
    get(API, listing([LISTED], { link: `<${API}?last=x>; rel="next"` })),
    get(`${API}?last=x`, listing([other('b')])),
  ]);
  const found = await repository.listReferrers?.(SUBJECT.digest);
  assert.deepEqual(JSON.parse(JSON.stringify(found)), [LISTED, other('b')]);
});

test('filters by type where the registry does not, and where clients keep the list', async (t) => {
  const artifactType = 'application/x.a+b';
  const all = [LISTED, other('b', artifactType)];
  const { repository } = await openExchange(t, [get(`${API}?artifactType=application%2Fx.a%2Bb`, listing(all))]);
  const found = await repository.listReferrers?.(SUBJECT.digest, { artifactType });
  assert.deepEqual(
    found?.map(({ digest }) => digest),
    [other('b').digest],
  );
  const old = await openExchange(t, [
    get(`${API}?artifactType=application%2Fx.a%2Bb`, { status: 404 }),
    get(TAGGED, listing(all)),
  ]);
  assert.equal((await old.repository.listReferrers?.(SUBJECT.digest, { artifactType }))?.length, 1);
});

test('reads the index under the tag where there is no API, and asks for the API once', async (t) => {
  for (const answer of [
    { status: 404 },
    { status: 405 },
    { headers: { 'content-type': 'text/html' }, body: '<html>' },
  ]) {
    const { repository } = await openExchange(t, [
      get(API, answer),
      get(TAGGED, listing([LISTED])),
      get(TAGGED, { status: 404 }),
      get(TAGGED, { headers: { 'content-type': OCI_MANIFEST }, body: MANIFEST.bytes }),
    ]);
    const found = [];
    for (let i = 0; i < 3; i += 1) found.push((await repository.listReferrers?.(SUBJECT.digest))?.length);
    assert.deepEqual(found, [1, 0, 0]);
  }
});

test('a refusal is no empty list', async (t) => {
  for (const [status, code] of [
    [403, 'REGISTRY_FORBIDDEN'],
    [500, 'REGISTRY_REFUSED'],
  ] as const) {
    const { repository } = await openExchange(t, [get(API, { status })], { retry: { attempts: 1 } });
    await assert.rejects(
      async () => repository.listReferrers?.(SUBJECT.digest),
      (error) => isChartError(error, code),
    );
  }
});

test('ends where pages go round in a circle, and where there are too many', async (t) => {
  const { repository } = await openExchange(t, [
    get(API, listing([LISTED], { link: '</x>; rel="next"' })),
    get('/x', listing([], { link: `<${API}>; rel="next"` })),
  ]);
  assert.equal((await repository.listReferrers?.(SUBJECT.digest))?.length, 1);
  const many = Array.from({ length: 10_001 }, () => other('b'));
  const { repository: large } = await openExchange(t, [get(API, listing(many))]);
  await assert.rejects(
    async () => large.listReferrers?.(SUBJECT.digest),
    (error) => isChartError(error, 'LIMIT_EXCEEDED'),
  );
  const padded = `${index(other('b'))}${' '.repeat(4_000_000)}`;
  const pages = Array.from({ length: 9 }, (_, i) =>
    get(i === 0 ? API : `/${i}`, {
      headers: { 'content-type': OCI_INDEX, link: `</${i + 1}>; rel="next"` },
      body: padded,
    }),
  );
  const { repository: heavy } = await openExchange(t, pages);
  await assert.rejects(
    async () => heavy.listReferrers?.(SUBJECT.digest),
    (error) => isChartError(error, 'LIMIT_EXCEEDED') && error.message.includes('33554432 bytes'),
  );
});

test('leaves the list to a registry that says that it keeps it', async (t) => {
  const { repository } = await openExchange(t, [
    { ...PUT, answer: { status: 201, headers: { 'oci-subject': SUBJECT.digest } } },
  ]);
  await repository.writeManifest(SIGNATURE);
});

test('leaves the list to a registry that says nothing, but has the API', async (t) => {
  const { repository } = await openExchange(t, [PUT, get(API, listing([])), PUT]);
  await repository.writeManifest(SIGNATURE);
  await repository.writeManifest(SIGNATURE);
});

test('keeps the list under the tag where there is no API, each referrer once', async (t) => {
  const put = (body: string): ExpectedRequest => ({
    ...{ method: 'PUT', path: TAGGED, headers: { 'content-type': OCI_INDEX }, body, answer: { status: 201 } },
  });
  const { repository } = await openExchange(t, [
    ...[PUT, get(API, { status: 404 }), get(TAGGED, { status: 404 }), put(index(LISTED))],
    ...[PUT, get(TAGGED, listing([other('b')])), put(index(other('b'), LISTED))],
    ...[PUT, get(TAGGED, listing([other('b'), LISTED]))],
  ]);
  for (let i = 0; i < 3; i += 1) await repository.writeManifest(SIGNATURE);
});

test('takes the type of the config for the list where a referrer states none', async (t) => {
  const plain = manifestOf({ subject: SUBJECT });
  const artifactType = JSON.parse(Buffer.from(plain.bytes).toString()).config.mediaType;
  const { repository } = await openExchange(t, [
    { ...PUT, path: `/v2/team/app/manifests/${plain.descriptor.digest}` },
    get(API, { status: 404 }),
    get(TAGGED, { status: 404 }),
    { method: 'PUT', path: TAGGED, body: index({ ...plain.descriptor, artifactType }), answer: { status: 201 } },
  ]);
  await repository.writeManifest(plain);
});

test('two referrers at once are both listed', async (t) => {
  const second = manifestOf({ subject: SUBJECT, artifactType: 'application/x.second' });
  let list = index();
  const put = (digest: string): ExpectedRequest => ({ ...PUT, path: `/v2/team/app/manifests/${digest}` });
  const read: ExpectedRequest = {
    ...{ method: 'GET', path: TAGGED },
    answer: () => ({ headers: { 'content-type': OCI_INDEX }, body: list }),
  };
  const write: ExpectedRequest = {
    ...{ method: 'PUT', path: TAGGED },
    answer: ({ body }) => {
      list = body.toString();
      return { status: 201 };
    },
  };
  const { repository } = await openExchange(
    t,
    [
      get(API, { status: 404 }),
      get(TAGGED, { status: 404 }),
      [put(SIGNATURE.descriptor.digest), put(second.descriptor.digest)].flat(),
      ...[read, write, read, write],
    ].map((step) => step),
  );
  await repository.listReferrers?.(SUBJECT.digest);
  await Promise.all([repository.writeManifest(SIGNATURE), repository.writeManifest(second)]);
  assert.equal(JSON.parse(list).manifests.length, 2);
});

test('does not overwrite what is no index', async (t) => {
  const { repository } = await openExchange(t, [
    PUT,
    get(API, { status: 404 }),
    get(TAGGED, { headers: { 'content-type': OCI_MANIFEST }, body: MANIFEST.bytes }),
  ]);
  await assert.rejects(repository.writeManifest(SIGNATURE), (error) => isChartError(error, 'REFERRERS_CONFLICT'));
});

test('a manifest without a subject needs no more than it did', async (t) => {
  const plain = describeManifest(Buffer.from(index()), OCI_INDEX);
  const { repository } = await openExchange(t, [
    { method: 'PUT', path: '/v2/team/app/manifests/1', answer: { status: 201 } },
  ]);
  await repository.writeManifest(plain, '1');
});
