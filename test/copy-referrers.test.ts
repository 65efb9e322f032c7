import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyArtifact } from '../src/copy.js';
import { copyReferrers, type SkippedAttachment } from '../src/copy-referrers.js';
import { isChartError } from '../src/errors.js';
import type { Descriptor } from '../src/oci/descriptor.js';
import { describeManifest, type RawManifest } from '../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../src/oci/media-types.js';
import { attachmentPrefix } from '../src/oci/referrers.js';
import type { Repository } from '../src/oci/target.js';
import { collect } from './registry/artifacts.js';
import { MemoryTarget } from './server/memory-target.js';

/** One end: a repository that lists referrers by itself, or does not. */
class End {
  readonly target: MemoryTarget;
  readonly repository: Repository;

  constructor(referrers = true) {
    this.target = new MemoryTarget({ referrers });
    this.repository = this.target.repository('app');
  }

  /** Puts an artifact of one layer. */
  async put(content: string, { subject, tag }: { subject?: RawManifest; tag?: string } = {}): Promise<RawManifest> {
    return this.putLayers([content], { subject, tag });
  }

  async putLayers(
    contents: readonly string[],
    { subject, tag }: { subject?: RawManifest | undefined; tag?: string | undefined } = {},
  ): Promise<RawManifest> {
    const config = this.target.putBlob('{}');
    const layers = contents.map((content) => this.target.putBlob(content));
    const document = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, subject: subject?.descriptor };
    const raw = describeManifest(Buffer.from(JSON.stringify(document)), OCI_MANIFEST);
    await this.repository.writeManifest(raw, tag);
    return raw;
  }

  async has({ descriptor }: RawManifest): Promise<boolean> {
    return this.repository.resolve(descriptor.digest).then(
      () => true,
      () => false,
    );
  }
}

function cosignTag({ descriptor }: RawManifest, suffix: string): string {
  return `${attachmentPrefix(descriptor.digest)}.${suffix}`;
}

async function copyAll(from: End, to: End, chart: RawManifest, options: Parameters<typeof copyReferrers>[3] = {}) {
  await copyArtifact(from.repository, to.repository, chart.descriptor.digest, { tag: '1' });
  return copyReferrers(from.repository, to.repository, chart, options);
}

test('copies referrers, cosign tags, and what is attached to these', async () => {
  const [from, to] = [new End(), new End()];
  const chart = await from.put('chart');
  const signature = await from.put('signature', { subject: chart });
  const ofSignature = await from.put('of signature', { subject: signature });
  const cosigned = await from.put('cosigned', { tag: cosignTag(chart, 'sig') });
  const attested = await from.put('attested', { tag: cosignTag(cosigned, 'att') });
  const unrelated = await from.put('unrelated', { subject: await from.put('another chart') });
  const { attachments, copiedBlobs } = await copyAll(from, to, chart);
  assert.deepEqual(
    attachments.map(({ manifest, tag, subject }) => [manifest.descriptor.digest, tag, subject]),
    [
      [signature.descriptor.digest, undefined, chart.descriptor.digest],
      [cosigned.descriptor.digest, cosignTag(chart, 'sig'), chart.descriptor.digest],
      [ofSignature.descriptor.digest, undefined, signature.descriptor.digest],
      [attested.descriptor.digest, cosignTag(cosigned, 'att'), cosigned.descriptor.digest],
    ],
  );
  assert.equal(copiedBlobs, 4);
  assert.deepEqual(
    (await collect(to.repository.listTags())).sort(),
    ['1', cosignTag(chart, 'sig'), cosignTag(cosigned, 'att')].sort(),
  );
  assert.equal(await to.has(unrelated), false);
});

test('reads the index under the tag of a source that lists no referrers', async () => {
  const [from, to] = [new End(false), new End()];
  const chart = await from.put('chart');
  const signature = await from.put('signature', { subject: chart });
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [signature.descriptor] };
  await from.repository.writeManifest(
    describeManifest(Buffer.from(JSON.stringify(index)), OCI_INDEX),
    attachmentPrefix(chart.descriptor.digest),
  );
  const { attachments } = await copyAll(from, to, chart);
  assert.equal(attachments.length, 1);
  assert.deepEqual(await collect(to.repository.listTags()), ['1']);
});

test('finds tags of other tools where all tags are known, and asks for no others', async () => {
  const [from, to] = [new End(), new End()];
  const chart = await from.put('chart');
  const tag = cosignTag(chart, 'vex');
  await from.put('vex', { tag });
  const asked: string[] = [];
  const { readManifest } = from.repository;
  from.repository.readManifest = (reference, options) => {
    asked.push(reference);
    return readManifest.call(from.repository, reference, options);
  };
  const { attachments } = await copyAll(from, to, chart, { tags: new Set(['1.0.0', tag]) });
  assert.deepEqual(
    attachments.map((attachment) => attachment.tag),
    [tag],
  );
  assert.deepEqual(asked, [chart.descriptor.digest, tag]);
});

test('looks at every manifest that an index lists', async () => {
  const [from, to] = [new End(), new End()];
  const platform = await from.put('platform');
  const inner = describeIndex([platform]);
  await from.repository.writeManifest(inner);
  const outer = describeIndex([inner]);
  await from.repository.writeManifest(outer);
  const signed = [];
  for (const subject of [platform, inner, outer])
    signed.push(await from.put(`of ${subject.descriptor.digest}`, { subject }));
  const { attachments } = await copyAll(from, to, outer);
  assert.equal(attachments.length, 3);
  for (const manifest of signed) assert.ok(await to.has(manifest));
});

function describeIndex(manifests: readonly RawManifest[]): RawManifest {
  const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: manifests.map(({ descriptor }) => descriptor) };
  return describeManifest(Buffer.from(JSON.stringify(document)), OCI_INDEX);
}

test('GHSA-298f-872v-2rcx: a cycle of referrers ends', async () => {
  const [from, to] = [new End(), new End()];
  const chart = await from.put('chart');
  const signature = await from.put('signature', { tag: cosignTag(chart, 'sig') });
  // A tag can point back, which a subject cannot: its digest is not known before.
  await from.repository.writeManifest(chart, cosignTag(signature, 'sig'));
  await from.repository.writeManifest(signature, cosignTag(signature, 'att'));
  const { attachments } = await copyAll(from, to, chart);
  assert.deepEqual(
    attachments.map(({ tag }) => tag).sort(),
    [cosignTag(chart, 'sig'), cosignTag(signature, 'att'), cosignTag(signature, 'sig')].sort(),
  );
  assert.equal(await digestOfTag(to, cosignTag(signature, 'sig')), chart.descriptor.digest);
});

test('GHSA-298f-872v-2rcx: what a registry lists and what names no such subject is left out, and told', async () => {
  const [from, to] = [new End(), new End()];
  const chart = await from.put('chart');
  const stranger = await from.put('stranger');
  const signature = await from.put('signature', { subject: chart });
  const gone: Descriptor = { ...stranger.descriptor, digest: `sha256:${'00'.repeat(32)}` };
  from.repository.listReferrers = async () => [stranger.descriptor, gone, chart.descriptor, signature.descriptor];
  const skipped: SkippedAttachment[] = [];
  const { attachments } = await copyAll(from, to, chart, { onSkip: (each) => skipped.push(each) });
  assert.deepEqual(
    attachments.map(({ manifest }) => manifest),
    [signature],
  );
  const ofChart = skipped.filter(({ subject }) => subject === chart.descriptor.digest);
  assert.deepEqual(
    ofChart.map(({ digest, reason }) => [digest, reason.code]).sort(),
    [
      [chart.descriptor.digest, 'MANIFEST_INVALID'],
      [gone.digest, 'MANIFEST_NOT_FOUND'],
      [stranger.descriptor.digest, 'MANIFEST_INVALID'],
    ].sort(),
  );
  assert.equal(await to.has(stranger), false);
});

test('ends at a limit: how many, how deep, how large', async () => {
  const from = new End();
  const chart = await from.put('chart');
  let subject = chart;
  for (let i = 0; i < 4; i += 1) subject = await from.put(`deep ${i}`, { subject });
  const limited = (limits: object) => copyReferrers(from.repository, new End().repository, chart, { limits });
  const isTooMuch = (error: unknown): boolean => isChartError(error, 'LIMIT_EXCEEDED');
  await assert.rejects(limited({ depth: 3 }), isTooMuch);
  await assert.rejects(limited({ manifests: 3 }), isTooMuch);
  await assert.rejects(limited({ bytes: 500 }), isTooMuch);
  assert.equal((await limited({ depth: 4, manifests: 4 })).attachments.length, 4);
});

test('a tag at the destination that holds other signatures is kept, and is an error', async () => {
  const [from, to] = [new End(), new End()];
  const chart = await from.put('chart');
  const tag = cosignTag(chart, 'sig');
  await from.putLayers(['a', 'b'], { tag });
  const options = { existing: to.repository };
  const fewer = await to.putLayers(['a'], { tag });
  await copyAll(from, to, chart, options);
  assert.notEqual(await digestOfTag(to, tag), fewer.descriptor.digest);
  await copyAll(from, to, chart, options);
  const others = await to.putLayers(['a', 'c'], { tag });
  await assert.rejects(copyAll(from, to, chart, options), (error) => isChartError(error, 'REFERRERS_CONFLICT'));
  assert.equal(await digestOfTag(to, tag), others.descriptor.digest);
  await copyAll(from, to, chart);
  assert.notEqual(await digestOfTag(to, tag), others.descriptor.digest);
});

async function digestOfTag({ repository }: End, tag: string): Promise<string> {
  return (await repository.resolve(tag)).digest;
}

test('stops when it is cancelled', async () => {
  const from = new End();
  const chart = await from.put('chart');
  await from.put('signature', { subject: chart });
  const call = copyReferrers(from.repository, new End().repository, chart, { signal: AbortSignal.abort() });
  await assert.rejects(call, (error) => isChartError(error, 'CANCELLED'));
});
