/** What others do at the target while `chart mirror` runs, or what its listing does not tell, is not overwritten. */
import assert from 'node:assert/strict';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { before, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { listen } from '../helpers/listen.js';
import { getManifest, putArtifact } from '../helpers/raw-artifact.js';
import { runChart, startChart } from '../helpers/run.js';
import { writeCharts } from './charts.js';

const VERSIONS = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'];
const CACHE = join('.cache', 'helm', 'registry', 'cache');

interface Stage {
  readonly home: string;
  /** A registry with `team/app` in all versions. */
  readonly source: string;
  chart(...args: string[]): Promise<string>;
}

let staged: Stage;

before(async (t) => {
  staged = await stage(t as unknown as TestContext);
});

async function stage(t: TestContext): Promise<Stage> {
  const home = temporaryDirectory(t);
  const chart = async (...args: string[]): Promise<string> => {
    const { exit, stderr, stdout } = await runChart(args, { home });
    assert.equal(exit, 0, stderr);
    return stdout;
  };
  const source = await startRegistry(t, join(home, 'source'));
  writeCharts(home, ['app', 'other']);
  const refs = VERSIONS.map((version) => `${source}/team/app:${version}`);
  for (const ref of refs) await chart('save', 'app', ref);
  await chart('push', ...refs, '--plain-http');
  await chart('remove', ...refs);
  return { home, source, chart };
}

async function startRegistry(t: TestContext, directory: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', directory]);
  t.after(() => server.stop());
  const [, host = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  return host;
}

/** @param first may answer by itself (true), or do something before the registry hears of the request */
async function startBetween(
  t: TestContext,
  host: string,
  first: (message: IncomingMessage, response: ServerResponse) => Promise<boolean>,
): Promise<{ host: string; met: string[] }> {
  const met: string[] = [];
  const between = await listen(t, async (message, response) => {
    met.push(`${message.method} ${message.url}`);
    if (await first(message, response)) return;
    const { method, headers, url } = message;
    const onward = request(`http://${host}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    message.pipe(onward);
  });
  return { host: between, met };
}

/** @returns statuses by version */
function statuses(stdout: string): Record<string, string> {
  const { charts } = JSON.parse(stdout) as { charts: { version: string; status: string }[] };
  return Object.fromEntries(charts.map(({ version, status }) => [version, status]));
}

it('leaves what a listing of the registry does not show, with one HEAD for each that is copied', async (t) => {
  const { home, source, chart } = staged;
  const target = await startRegistry(t, join(home, 'listed'));
  await chart('mirror', `oci://${source}/team/app`, `oci://${target}/m`, '--version', '1.0.0');
  const other = await putArtifact(`http://${target}`, 'm/app', { tag: '1.1.0', content: 'of somebody else' });
  const between = await startBetween(t, target, async ({ url }, response) => {
    if (!url?.includes('/tags/list')) return false;
    response.setHeader('content-type', 'application/json').end('{"name":"m/app","tags":["0.1.0"]}');
    return true;
  });
  const args = ['mirror', `oci://${source}/team/app`, `oci://${between.host}/m`, '-o', 'json'];
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 1);
  assert.deepEqual(statuses(stdout), { '1.0.0': 'present', '1.1.0': 'drifted', '1.2.0': 'copied', '1.3.0': 'copied' });
  assert.match(stderr, new RegExp(`app:1.1.0 has drifted: it is ${other.digest}`));
  const manifests = between.met.filter((each) => /\/manifests\/1\./.test(each));
  assert.deepEqual(
    manifests
      .filter((each) => each.startsWith('PUT'))
      .map((each) => each.slice(-5))
      .sort(),
    ['1.2.0', '1.3.0'],
  );
  assert.equal(manifests.filter((each) => each.startsWith('HEAD')).length, VERSIONS.length, manifests.join('\n'));
  assert.match((await getManifest(`http://${target}`, 'm/app', '1.1.0')) ?? '', /application\/x-test/);

  const overwriting = await runChart([...args, '--overwrite'], { home });
  assert.equal(overwriting.exit, 0, overwriting.stderr);
  assert.doesNotMatch((await getManifest(`http://${target}`, 'm/app', '1.1.0')) ?? '', /application\/x-test/);
});

it('asks for each tag where the listing is longer than is read', async (t) => {
  const { home, source } = staged;
  const target = await startRegistry(t, join(home, 'target'));
  const between = await startBetween(t, target, async ({ url }, response) => {
    if (!url?.includes('/tags/list')) return false;
    response.setHeader('content-type', 'application/json').end(`{"tags":["${'x'.repeat(40_000_000)}"]}`);
    return true;
  });
  const args = ['mirror', `oci://${source}/team/app`, `oci://${between.host}/m`, '-o', 'json'];
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 0, stderr);
  assert.deepEqual(
    Object.values(statuses(stdout)),
    VERSIONS.map(() => 'copied'),
  );
});

it('leaves in the cache what somebody saves meanwhile', async (t) => {
  const { home, source, chart } = staged;
  let saved = '';
  const between = await startBetween(t, source, async ({ url }) => {
    if (saved === '' && url?.includes('/manifests/')) {
      saved = 'soon';
      saved = await chart('save', 'other', `${between.host}/team/app:1.1.0`);
    }
    return false;
  });
  const args = ['mirror', `oci://${between.host}/team/app`, 'cache', '-o', 'json', '--parallel', '1'];
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 1, stderr);
  assert.deepEqual(statuses(stdout), { '1.0.0': 'copied', '1.1.0': 'drifted', '1.2.0': 'copied', '1.3.0': 'copied' });
  assert.match(await chart('show', 'chart', `${between.host}/team/app:1.1.0`), /name: other/);
  await assertValidLayout(join(home, CACHE));
});

it('takes no chart to the cache whose archive is cut off, and says which', async () => {
  const { home, source, chart } = staged;
  await putArtifact(`http://${source}`, 'team/app', {
    tag: '1.4.0',
    configType: 'application/vnd.cncf.helm.config.v1+json',
    layerType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
    content: '\u001f',
  });
  const args = ['mirror', `oci://${source}/team/app`, 'cache', '-o', 'json'];
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 1);
  assert.equal(statuses(stdout)['1.4.0'], 'failed');
  assert.equal(statuses(stdout)['1.3.0'], 'copied');
  assert.match(stderr, /team\/app:1\.4\.0: unexpected EOF/);
  await chart('verify');
});
