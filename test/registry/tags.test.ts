import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import type { Answer, ExpectedRequest } from '../helpers/http-exchange.js';
import { collect } from './artifacts.js';
import { openExchange } from './opened.js';

function get(path: string, answer: Answer): ExpectedRequest {
  return { method: 'GET', path, answer };
}

function page(tags: unknown, link?: string): Answer {
  return { body: JSON.stringify({ name: 'team/app', tags }), ...(link !== undefined && { headers: { link } }) };
}

const FIRST = '/v2/team/app/tags/list?n=1000';

test('follows the pages of a list, relative and absolute', async (t) => {
  const { repository } = await openExchange(t, ({ url }) => [
    get(FIRST, page(['1', '2'], '</v2/team/app/tags/list?n=2&last=2>; rel="next"')),
    get(
      '/v2/team/app/tags/list?n=2&last=2',
      page(['3'], `<${url}/next?a=b,c>; title="x"; rel=next, </first>; rel="first"`),
    ),
    get('/next?a=b,c', page(['4'], '</v2/team/app/tags/list?n=1000>; rel="prev"')),
  ]);
  assert.deepEqual(await collect(repository.listTags()), ['1', '2', '3', '4']);
});

test('knows an empty list in all its forms', async (t) => {
  const { repository } = await openExchange(t, [
    get(FIRST, page([])),
    get(FIRST, page(null)),
    get(FIRST, { body: '{}' }),
  ]);
  for (let i = 0; i < 3; i += 1) assert.deepEqual(await collect(repository.listTags()), []);
});

test('gives no name that is no tag', async (t) => {
  const { repository } = await openExchange(t, [
    get(FIRST, page(['1', '\u001b[31m', '../x', 5, null, '', 'a b', '2'])),
  ]);
  assert.deepEqual(await collect(repository.listTags()), ['1', '2']);
});

test('ends where the pages go round in a circle', async (t) => {
  const { repository } = await openExchange(t, [
    get(FIRST, page(['1'], '</b>; rel="next"')),
    get('/b', page(['2'], `<${FIRST}>; rel="next"`)),
  ]);
  assert.deepEqual(await collect(repository.listTags()), ['1', '2']);
});

test('asks nobody else for the next page', async (t) => {
  for (const place of ['https://evil.example.com/x', '//evil.example.com/x', 'http://localhost:1/x', 'http://[']) {
    const { repository } = await openExchange(t, [get(FIRST, page(['1'], `<${place}>; rel="next"`))]);
    await assert.rejects(collect(repository.listTags()), (error) => isChartError(error, 'REGISTRY_PROTOCOL'), place);
  }
});

test('ends where the pages never do', async (t) => {
  const pages = Array.from({ length: 1000 }, (_, i) =>
    get(i === 0 ? FIRST : `/${i}`, page([`${i}`], `</${i + 1}>; rel="next"`)),
  );
  const { repository } = await openExchange(t, pages);
  await assert.rejects(collect(repository.listTags()), (error) => isChartError(error, 'LIMIT_EXCEEDED'));
});

test('refuses what is no list, and one without end', async (t) => {
  for (const body of ['', '<html>', '[]', '"x"', '{"tags":"1"}', '{"tags":{"0":"1"}}']) {
    const { repository } = await openExchange(t, [get(FIRST, { body })]);
    await assert.rejects(collect(repository.listTags()), (error) => isChartError(error, 'REGISTRY_PROTOCOL'), body);
  }
  const { repository } = await openExchange(t, [get(FIRST, { body: Buffer.alloc(65_536, 32), endless: true })]);
  await assert.rejects(collect(repository.listTags()), (error) => isChartError(error, 'LIMIT_EXCEEDED'));
});

test('says that a repository is not there', async (t) => {
  const { repository, server } = await openExchange(t, [get(FIRST, { status: 404 })]);
  await assert.rejects(collect(repository.listTags()), (error) => {
    assert.ok(isChartError(error, 'MANIFEST_NOT_FOUND'));
    assert.equal(error.message, `${server.host}/team/app: not found`);
    return true;
  });
});

test('lists repositories, where the registry does', async (t) => {
  const { registry, server } = await openExchange(t, [
    get('/v2/_catalog?n=1000', { body: '{"repositories":["a","b/c","../d"]}' }),
    get('/v2/_catalog?n=1000', { status: 404 }),
  ]);
  assert.deepEqual(await collect(registry.listRepositories()), ['a', 'b/c']);
  await assert.rejects(collect(registry.listRepositories()), (error) => {
    assert.ok(isChartError(error, 'MANIFEST_NOT_FOUND'));
    assert.equal(error.message, `${server.host} does not list its repositories`);
    return true;
  });
});

test('stops when cancelled between two pages', async (t) => {
  const controller = new AbortController();
  const { repository } = await openExchange(t, [get(FIRST, page(['1'], '</2>; rel="next"'))]);
  await assert.rejects(
    async () => {
      for await (const _ of repository.listTags({ signal: controller.signal })) controller.abort();
    },
    (error) => isChartError(error, 'CANCELLED'),
  );
});

test('ends where all pages together are too much, before it gives out what is', async (t) => {
  const isTooMuch = (words: RegExp) => (error: unknown) =>
    isChartError(error, 'LIMIT_EXCEEDED') && words.test(error.message);
  const { repository } = await openExchange(t, [get(FIRST, page(new Array(1_000_001).fill('a')))]);
  await assert.rejects(collect(repository.listTags()), isTooMuch(/more than 1000000 names to list the tags/));
  const padded = `{"tags":["1"]${' '.repeat(24 * 1024 * 1024)}}`;
  const other = await openExchange(
    t,
    [FIRST, '/1', '/2'].map((path, i) => get(path, { body: padded, headers: { link: `</${i + 1}>; rel="next"` } })),
  );
  await assert.rejects(collect(other.repository.listTags()), isTooMuch(/more than 67108864 bytes to list the tags/));
});
