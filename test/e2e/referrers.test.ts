/** `push --with-referrers` and `pull --with-referrers`: signatures and attestations go where their chart goes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { requireTools, startDockerRegistry } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { getManifest, putArtifact, type RawDescriptor } from '../helpers/raw-artifact.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

interface Stage {
  readonly home: string;
  readonly cache: string;
  chart(args: readonly string[]): Promise<RunResult>;
  /** As `chart`, and parses the output of `-o json`. */
  data(args: readonly string[]): Promise<{ [member: string]: unknown }[]>;
}

function stage(t: TestContext, name = 'home'): Stage {
  const home = join(temporaryDirectory(t), name);
  mkdirSync(home);
  const chart = (args: readonly string[]): Promise<RunResult> => runChart(args, { home });
  return {
    home,
    cache: join(home, '.cache', 'helm', 'registry', 'cache'),
    chart,
    data: async (args) => {
      const { exit, stdout, stderr } = await chart([...args, '-o', 'json']);
      assert.equal(exit, 0, stderr);
      return JSON.parse(stdout);
    },
  };
}

async function startEmbedded(t: TestContext): Promise<{ host: string; url: string }> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', temporaryDirectory(t)]);
  t.after(() => server.stop());
  const [, url = '', host = ''] = await server.waitFor(/^Listening on (http:\/\/(\S+))$/m);
  return { url, host };
}

/** Saves and pushes a chart, and attaches a signature, what is attached to that, and a tag of cosign's. */
async function publish({ home, chart, data }: Stage, { host, url }: { host: string; url: string }) {
  mkdirSync(join(home, 'app'));
  writeFileSync(join(home, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  const ref = `${host}/team/app:1.0.0`;
  const [saved] = await data(['save', join(home, 'app'), ref]);
  assert.equal((await chart(['push', ref])).exit, 0);
  const text = (await getManifest(url, 'team/app', '1.0.0')) as string;
  const subject: RawDescriptor = {
    ...{ mediaType: MANIFEST, digest: saved?.digest as string, size: Buffer.byteLength(text) },
  };
  const artifactType = 'application/vnd.example.signature';
  const signature = await putArtifact(url, 'team/app', {
    ...{ subject, artifactType, content: 'signature', annotations: { 'com.example.key': 'value' } },
  });
  const timestamp = await putArtifact(url, 'team/app', { subject: signature, content: 'timestamp' });
  const tag = `${subject.digest.replace(':', '-')}.sig`;
  const cosigned = await putArtifact(url, 'team/app', {
    tag,
    content: 'cosigned',
    configType: 'application/vnd.oci.image.config.v1+json',
    layerType: 'application/vnd.dev.cosign.simplesigning.v1+json',
  });
  await chart(['remove', ref]);
  await chart(['prune']);
  return { ref, subject, signature, timestamp, cosigned, tag, artifactType };
}

function blobsOf(cache: string): string[] {
  const directory = join(cache, 'blobs', 'sha256');
  return existsSync(directory) ? readdirSync(directory) : [];
}

describe('referrers', () => {
  const skip = requireTools('docker-registry');

  it('go from a registry to the cache and on to a registry without the referrers API, and back', {
    skip,
  }, async (t) => {
    const first = stage(t);
    const source = await startEmbedded(t);
    const { ref, subject, signature, timestamp, cosigned, tag, artifactType } = await publish(first, source);

    const [pulled] = await first.data(['pull', '--with-referrers', ref]);
    const expected = [
      { digest: signature.digest, artifactType, tag: null, subject: subject.digest },
      {
        digest: cosigned.digest,
        artifactType: 'application/vnd.oci.image.config.v1+json',
        tag,
        subject: subject.digest,
      },
      ...[
        {
          digest: timestamp.digest,
          artifactType: 'application/vnd.oci.empty.v1+json',
          tag: null,
          subject: signature.digest,
        },
      ],
    ];
    assert.deepEqual(pulled?.referrers, expected);
    const listed = await first.chart(['list', '-q']);
    assert.deepEqual([listed.stdout, listed.stderr], [`${ref}\n`, '']);
    assertValidLayout(first.cache);
    const again = await first.chart(['pull', '--with-referrers', ref]);
    assert.match(again.stdout, /Chart is up to date for /);
    assert.match(again.stdout, new RegExp(`^Referrer: ${signature.digest} \\(${artifactType}\\)$`, 'm'));

    const registry = await startDockerRegistry();
    t.after(() => registry.stop());
    const moved = `${registry.host}/elsewhere/app:1.0.0`;
    await first.chart(['tag', ref, moved]);
    for (let i = 0; i < 2; i += 1) {
      const [pushed] = await first.data(['push', '--with-referrers', moved]);
      assert.deepEqual(pushed?.referrers, expected);
      assert.equal(pushed?.sentBytes === 0, i === 1, 'what is there is not sent again');
    }
    const read = (reference: string) => getManifest(registry.url, 'elsewhere/app', reference);
    const index = JSON.parse((await read(subject.digest.replace(':', '-'))) as string);
    assert.deepEqual(index.manifests, [{ ...signature, artifactType, annotations: { 'com.example.key': 'value' } }]);
    assert.equal(index.mediaType, 'application/vnd.oci.image.index.v1+json');
    assert.equal(await read(tag), await getManifest(source.url, 'team/app', tag));
    const ofSignature = JSON.parse((await read(signature.digest.replace(':', '-'))) as string);
    assert.deepEqual(ofSignature.manifests, [{ ...timestamp, artifactType: 'application/vnd.oci.empty.v1+json' }]);
    const tags = await first.data(['tags', `${registry.host}/elsewhere/app`]);
    assert.deepEqual(
      tags.map((each) => each.tag),
      ['1.0.0'],
    );

    const second = stage(t, 'second');
    const [back] = await second.data(['pull', '--with-referrers', moved]);
    assert.deepEqual(back?.referrers, expected);
    assertValidLayout(second.cache);
  });

  it('are freed by prune once their chart is removed, and not before', async (t) => {
    const { chart, cache, ...rest } = stage(t);
    const source = await startEmbedded(t);
    const { ref, tag, signature } = await publish({ chart, cache, ...rest }, source);
    const pulled = await chart(['pull', '--with-referrers', ref]);
    assert.equal(pulled.exit, 0, pulled.stderr);
    const before = blobsOf(cache);
    assert.equal((await chart(['prune'])).stdout, 'Freed 0 blobs, 0 B\n');
    assert.deepEqual(blobsOf(cache), before);
    await chart(['tag', ref, 'other/app:1']);
    await chart(['remove', ref]);
    assert.equal((await chart(['prune'])).stdout, 'Freed 0 blobs, 0 B\n', 'it has another name');
    assert.match(readFileSync(join(cache, 'index.json'), 'utf8'), new RegExp(tag));
    await chart(['remove', 'other/app:1']);
    const dry = await chart(['prune', '--dry-run', '-q']);
    assert.deepEqual(dry.stdout.trim().split('\n').length, before.length);
    assert.match(dry.stdout, new RegExp(signature.digest));
    await chart(['prune']);
    assert.deepEqual(blobsOf(cache), []);
    assert.deepEqual(JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8')).manifests, []);
    assertValidLayout(cache);
  });

  it('are left alone without --with-referrers, and said to be none where there are none', async (t) => {
    const { chart, data, ...rest } = stage(t);
    const source = await startEmbedded(t);
    const { ref } = await publish({ chart, data, ...rest }, source);
    const [pulled] = await data(['pull', ref]);
    assert.equal(pulled && 'referrers' in pulled, false);
    const other = `${source.host}/other/app:1.0.0`;
    await chart(['tag', ref, other]);
    const pushed = await chart(['push', '--with-referrers', other]);
    assert.match(pushed.stdout, /^1\.0\.0: pushed to remote \(1 layer, .*\)\nReferrers: none\n$/m);
  });

  it('a push does not replace signatures that it does not have', async (t) => {
    const { chart, ...rest } = stage(t);
    const source = await startEmbedded(t);
    const { ref, tag } = await publish({ chart, ...rest }, source);
    await chart(['pull', '--with-referrers', ref]);
    const theirs = await putArtifact(source.url, 'team/app', { tag, content: 'signed by somebody else' });
    const { exit, stderr } = await chart(['push', '--with-referrers', ref]);
    assert.equal(exit, 1);
    assert.match(
      stderr,
      /^Error: the tag sha256-\S+\.sig holds something there that would be lost\nIt was left as it is\./,
    );
    const text = (await getManifest(source.url, 'team/app', tag)) as string;
    assert.equal(Buffer.byteLength(text), theirs.size);
    assert.match(text, /signed|layers/);
    const followed = await chart(['pull', '--with-referrers', ref]);
    assert.equal(followed.exit, 0);
    assert.equal((await chart(['push', '--with-referrers', ref])).exit, 0, 'what was pulled can be pushed');
  });
});
