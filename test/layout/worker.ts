/**
 * A process that works on a cache, for tests of several at once. Prints one line for all that it was told had succeeded.
 *
 *     save DIR WHO COUNT       saves COUNT charts, each under a name of its own
 *     churn DIR WHO COUNT      saves, moves and removes names until killed or COUNT rounds are over
 *     share DIR WHO COUNT      names content that the others name, remove and prune at the same time
 *     hang DIR                 stores a blob, has another half written, and waits to be killed
 *     fill DIR SIZE            stores a blob of SIZE bytes
 *     prune DIR                deletes what nothing needs
 */
import { Readable } from 'node:stream';
import { isChartError } from '../../src/errors.js';
import { type Layout, openLayout } from '../../src/layout/layout.js';
import type { Descriptor } from '../../src/oci/descriptor.js';

const [command = '', dir = '', who = '', countText = '1'] = process.argv.slice(2);
const count = Number(countText);

function say(...words: string[]): void {
  process.stdout.write(`${words.join(' ')}\n`);
}

async function store(layout: Layout, content: string): Promise<Descriptor> {
  const layer = await layout.ingestBlob(Readable.from([Buffer.alloc(20_000, content)]), {
    mediaType: 'application/tar+gzip',
  });
  const config = await layout.putBytes(Buffer.from(content), 'application/vnd.cncf.helm.config.v1+json');
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [layer] }));
  return layout.putBytes(manifest, 'application/vnd.oci.image.manifest.v1+json');
}

async function save(layout: Layout): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await layout.tag(`c:${who}-${turn}`, await store(layout, `${who}-${turn}`));
    say('saved', `c:${who}-${turn}`);
  }
}

async function churn(layout: Layout): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    const manifest = await store(layout, `${who}-${turn}`);
    await layout.tagAll([
      { name: `c:${who}-${turn}`, descriptor: manifest },
      { name: `c:${who}-passing`, descriptor: manifest },
    ]);
    say('saved', `c:${who}-${turn}`);
    await layout.untag(`c:${who}-passing`);
    if (turn % 5 === 4) await layout.applyPrune(await layout.planPrune());
  }
}

async function share(layout: Layout): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    const content = `shared ${turn % 3}`;
    const name = `c:${who}-${turn}`;
    const manifest = await store(layout, content);
    await layout.tag(name, manifest);
    const { bytes } = await layout.readManifest(manifest);
    const { config, layers } = JSON.parse(Buffer.from(bytes).toString()) as {
      config: Descriptor;
      layers: Descriptor[];
    };
    for (const part of [config, ...layers]) await layout.verifyBlob(part);
    await layout.untag(name);
    await layout.applyPrune(await layout.planPrune());
    say('shared', name);
  }
  await layout.tag(`c:${who}-last`, await store(layout, `last ${who}`));
  say('saved', `c:${who}-last`);
}

async function hang(layout: Layout): Promise<void> {
  await layout.putBytes(Buffer.from('stored, and never named'), 'text/plain');
  const endless = new Readable({
    read() {
      if (endless.listenerCount('data') >= 0) setImmediate(() => say('hanging'));
    },
  });
  endless.push(Buffer.alloc(100_000));
  await layout.ingestBlob(endless, { mediaType: 'text/plain' });
}

async function fill(layout: Layout): Promise<void> {
  try {
    await layout.ingestBlob(Readable.from([Buffer.alloc(Number(who))]), { mediaType: 'text/plain' });
    say('stored');
  } catch (error) {
    if (!isChartError(error)) throw error;
    say('failed', error.code, error.message);
  }
}

async function prune(layout: Layout): Promise<void> {
  const { blobs } = await layout.applyPrune(await layout.planPrune());
  say('deleted', `${blobs.length}`);
}

const commands: Record<string, (layout: Layout) => Promise<void>> = { save, churn, share, hang, fill, prune };
const layout = openLayout(dir);
commands[command]?.(layout).then(
  () => layout.close(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  },
);
