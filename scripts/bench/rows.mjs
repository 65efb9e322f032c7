// What is measured: one entry a comparison. To add one, give it a topic, a name, what stands beside it, and the two sides.
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeCache } from './stage.mjs';

/** Charts that a peer, which takes one a call, is measured with: the calls do not get faster with their number. */
const SAMPLE = 20;

export function* rows(stage) {
  yield* startUp(stage);
  yield* save(stage);
  yield* list(stage);
  yield* exporting(stage);
  yield* transfer(stage);
  yield* verify(stage);
  yield* prune(stage);
}

function* startUp({ chart, node, cache }) {
  const side = { against: 'bare Node', theirs: { commands: [node] }, prepare: () => cache('none') };
  yield { topic: 'start-up', name: '--version', ours: { commands: [chart('--version')] }, ...side };
  yield { topic: 'start-up', name: 'list, empty cache', ours: { commands: [chart('list')] }, ...side };
}

const PREFIX = 'localhost:5000/bench';
const saveAll = ({ chart, charts }) => chart('save', ...charts.map(({ path }) => path), '--to', PREFIX, '-q');

function* save(stage) {
  const { chart, charts, count, many, peer, cache, path, layoutOf, remove, run } = stage;
  const ours = { commands: [saveAll(stage)], charts: count };
  const fresh = (side) => {
    remove(`save-${side}`);
    return cache(`save-${side}`);
  };
  const helm = peer('Helm 3.6.3');
  const sample = charts.slice(0, SAMPLE);
  const name = `save, ${count} charts in one call`;
  if (helm) {
    const commands = sample.map((one) => [helm, 'chart', 'save', one.path, `${PREFIX}/${one.name}:${one.version}`]);
    const theirs = { commands, charts: sample.length };
    yield { topic: 'save', name, against: 'Helm 3.6.3, a call each', ours, theirs, prepare: fresh, runs: 3 };
  }
  const written = () => writeAndSync(path('save-ours', 'registry', 'cache'), path('written'));
  yield {
    topic: 'save',
    name,
    against: 'the disk: write, fsync',
    ours: { commands: ours.commands },
    theirs: written,
    prepare: fresh,
    runs: 3,
  };

  writeCache(layoutOf('many'), many);
  const one = charts[0];
  const prepare = async (side) => {
    if (side === 'theirs') remove('few');
    return cache(side === 'ours' ? 'many' : 'few');
  };
  const command = { commands: [chart('save', one.path, `${PREFIX}/one:${one.version}`, '--no-fsync')] };
  const index = () => JSON.parse(readFileSync(join(layoutOf('many'), 'index.json'), 'utf8'));
  yield {
    topic: 'save',
    name: `save into a cache of ${many}`,
    against: 'an empty cache',
    ours: command,
    theirs: command,
    prepare,
  };
  const rewritten = {
    work: async () => {
      await run(command.commands[0], cache('few'));
      writeFileSync(path('index'), JSON.stringify(index()));
    },
  };
  yield {
    topic: 'save',
    name: `save into a cache of ${many}`,
    against: 'empty, and write index.json',
    ours: command,
    theirs: rewritten,
    prepare,
  };
}

function* list(stage) {
  const { chart, node, many, count, peer, cache, layoutOf, run } = stage;
  const prepare = () => cache('many');
  const known = join(layoutOf('many'), 'list-cache');
  if (!existsSync(layoutOf('many'))) writeCache(layoutOf('many'), many);
  const ours = { commands: [chart('list')] };
  const beside = { against: 'bare Node', theirs: { commands: [node] } };
  const forget = () => {
    rmSync(known, { force: true });
    return cache('many');
  };
  yield { topic: 'list', name: `list, ${many} charts, first time`, ours, ...beside, prepare: forget, runs: 3 };
  yield { topic: 'list', name: `list, ${many} charts, second time`, ours, ...beside, prepare };

  const helm = peer('Helm 3.6.3');
  if (!helm) return;
  const references = count < 280 ? many : 5000;
  const together = {
    work: async () => {
      await run(saveAll(stage), cache('references'));
      const file = join(layoutOf('references'), 'index.json');
      const index = JSON.parse(readFileSync(file, 'utf8'));
      const manifests = Array.from({ length: references }, (_, i) => ({
        ...index.manifests[i % index.manifests.length],
        annotations: { 'org.opencontainers.image.ref.name': `${PREFIX}/name${i}:1.0.0` },
      }));
      writeFileSync(file, JSON.stringify({ ...index, manifests }));
    },
  };
  const once = async () => {
    if (!existsSync(layoutOf('references'))) await together.work();
    return cache('references');
  };
  const theirs = { commands: [[helm, 'chart', 'list']] };
  yield {
    topic: 'list',
    name: `list, ${references} references`,
    against: 'Helm 3.6.3',
    ours,
    theirs,
    prepare: once,
    runs: 3,
  };
}

/** A cache with all charts under the names that `prefix` gives. */
async function saved({ chart, charts, cache, layoutOf, run }, name, prefix) {
  if (existsSync(join(layoutOf(name), 'index.json'))) return;
  await run(chart('save', ...charts.map(({ path }) => path), '--to', prefix, '-q'), cache(name));
}

function* exporting(stage) {
  const { chart, charts, count, peer, cache, path, remove } = stage;
  const refs = charts.map(({ name, version }) => `${PREFIX}/${name}:${version}`);
  const ours = { commands: [chart('export', ...refs, '-d', path('out-ours'), '-q')], charts: count };
  const prepare = async (side) => {
    remove(`out-${side}`);
    await saved(stage, 'saved', PREFIX);
    return cache('saved');
  };
  const name = `export, ${count} charts in one call`;
  const helm = peer('Helm 3.6.3');
  if (helm) {
    const commands = refs.slice(0, SAMPLE).map((ref) => [helm, 'chart', 'export', ref, '-d', path('out-theirs')]);
    const theirs = { commands, charts: commands.length };
    yield { topic: 'export', name, against: 'Helm 3.6.3, a call each', ours, theirs, prepare, runs: 3 };
  }
  const copied = () => cpSync(path('charts'), path('out-theirs'), { recursive: true });
  yield {
    topic: 'export',
    name,
    against: 'the disk: copy the files',
    ours: { commands: ours.commands },
    theirs: copied,
    prepare,
    runs: 3,
  };
}

function* transfer(stage) {
  const { chart, charts, count, peer, cache, path, remove, registry, run, layoutOf } = stage;
  if (!registry) return;
  const { host } = registry;
  const sample = charts.slice(0, SAMPLE);
  const refsAt = (place) => charts.map(({ name, version }) => `${host}/${place}/${name}:${version}`);
  const archive = ({ name, version }) => path('packed', `${name}-${version}.tgz`);
  let place = '';
  const readyToPush = async (_side, turn) => {
    place = `push${turn}`;
    await saved(stage, place, `${host}/${place}`);
    if (!existsSync(path('packed'))) {
      await run(chart('export', ...refsAt(place), '-d', path('packed'), '--tgz', '-q'), cache(place));
    }
    return cache(place);
  };
  const push = {
    work: () => run(chart('push', ...refsAt(place), '-q', '--plain-http'), cache(place)),
    charts: count,
  };
  const each = (command) => ({
    work: async () => {
      for (const one of sample) await run(command(one), cache(place));
    },
    charts: sample.length,
  });
  const pushers = {
    'Helm 3.6.3': (helm) => (one) => [helm, 'chart', 'push', `${host}/${place}/${one.name}:${one.version}`],
    'Helm 4': (helm) => (one) => [helm, 'push', archive(one), `oci://${host}/helm4-${place}`, '--plain-http'],
    ORAS: (oras) => (one) => [
      ...[
        oras,
        'push',
        '--plain-http',
        '--disable-path-validation',
        `${host}/oras-${place}/${one.name}:${one.version}`,
      ],
      `${archive(one)}:application/tar+gzip`,
    ],
    skopeo: (skopeo) => (one) => [
      ...[skopeo, 'copy', '-q', '--insecure-policy', '--dest-tls-verify=false'],
      `oci:${layoutOf(place)}:${host}/${place}/${one.name}:${one.version}`,
      `docker://${host}/skopeo-${place}/${one.name}:${one.version}`,
    ],
  };
  const topics = { topic: 'push', name: `push, ${count} charts in one call`, prepare: readyToPush, runs: 3 };
  for (const [name, command] of Object.entries(pushers)) {
    const file = peer(name);
    if (file) yield { ...topics, against: `${name}, a call each`, ours: push, theirs: each(command(file)) };
  }

  const readyToPull = async (side) => {
    place = 'pull';
    if (!existsSync(layoutOf('pull'))) {
      await saved(stage, 'pull', `${host}/pull`);
      await run(chart('push', ...refsAt('pull'), '-q', '--plain-http'), cache('pull'));
      await run(chart('export', ...refsAt('pull'), '-d', path('packed'), '--tgz', '-q'), cache('pull'));
      const helm = peer('Helm 4');
      for (const one of helm ? sample : [])
        await run([helm, 'push', archive(one), `oci://${host}/helm4`, '--plain-http'], {});
    }
    remove(`pulled-${side}`);
    mkdirSync(path(`pulled-${side}`));
    return cache(`pulled-${side}`);
  };
  const pull = {
    work: () => run(chart('pull', ...refsAt('pull'), '-q', '--plain-http'), cache('pulled-ours')),
    charts: count,
  };
  const pullEach = (command) => ({
    work: async () => {
      for (const one of sample) await run(command(one), cache('pulled-theirs'));
    },
    charts: sample.length,
  });
  const target = path('pulled-theirs');
  const pullers = {
    'Helm 3.6.3': (helm) => (one) => [helm, 'chart', 'pull', `${host}/pull/${one.name}:${one.version}`],
    'Helm 4': (helm) => (one) => [
      ...[helm, 'pull', `oci://${host}/helm4/${one.name}`, '--version', one.version, '-d', target, '--plain-http'],
    ],
    ORAS: (oras) => (one) => [
      ...[oras, 'copy', '--from-plain-http', `${host}/pull/${one.name}:${one.version}`, '--to-oci-layout'],
      `${target}:${one.name}`,
    ],
    regctl: (regctl) => (one) => [
      ...[regctl, 'image', 'copy', '--host', `reg=${host},tls=disabled`, `${host}/pull/${one.name}:${one.version}`],
      `ocidir://${target}:${one.name}`,
    ],
    skopeo: (skopeo) => (one) => [
      ...[skopeo, 'copy', '-q', '--insecure-policy', '--src-tls-verify=false'],
      `docker://${host}/pull/${one.name}:${one.version}`,
      `oci:${target}:${one.name}`,
    ],
  };
  const pulls = { topic: 'pull', name: `pull, ${count} charts in one call`, prepare: readyToPull, runs: 3 };
  for (const [name, command] of Object.entries(pullers)) {
    const file = peer(name);
    if (file) yield { ...pulls, against: `${name}, a call each`, ours: pull, theirs: pullEach(command(file)) };
  }
}

function* verify(stage) {
  const { chart, count, cache, layoutOf } = stage;
  const prepare = async () => {
    await saved(stage, 'saved', PREFIX);
    return cache('saved');
  };
  const hashed = {
    work: () => {
      const dir = join(layoutOf('saved'), 'blobs', 'sha256');
      for (const name of readdirSync(dir))
        createHash('sha256')
          .update(readFileSync(join(dir, name)))
          .digest('hex');
    },
  };
  const ours = { commands: [chart('verify')] };
  yield {
    topic: 'verify',
    name: `verify, ${count} charts`,
    against: 'read and hash, no start-up',
    ours,
    theirs: hashed,
    prepare,
  };
}

function* prune(stage) {
  const { chart, node, count, cache, path, layoutOf, remove, run } = stage;
  const prepare = async (side) => {
    await saved(stage, 'saved', PREFIX);
    remove(`prune-${side}`);
    cpSync(path('saved'), path(`prune-${side}`), { recursive: true });
    if (side === 'ours') await run(chart('remove', '*', '-q'), cache('prune-ours'));
    return cache(`prune-${side}`);
  };
  const deleted = {
    work: () => {
      const dir = join(layoutOf('prune-theirs'), 'blobs', 'sha256');
      for (const name of readdirSync(dir)) rmSync(join(dir, name));
    },
  };
  const ours = { commands: [chart('prune', '-q')] };
  const name = `prune, ${count} charts removed`;
  yield { topic: 'prune', name, against: 'delete, no start-up', ours, theirs: deleted, prepare, runs: 3 };
  const nothing = async () => {
    await saved(stage, 'saved', PREFIX);
    return cache('saved');
  };
  yield {
    topic: 'prune',
    name: 'prune, nothing to do',
    against: 'bare Node',
    ours,
    theirs: { commands: [node] },
    prepare: nothing,
  };
}

/** Writes what a cache holds to another place, and has the disk take it. */
function writeAndSync(cache, to) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  const dir = join(cache, 'blobs', 'sha256');
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const bytes = readFileSync(join(dir, name));
    const fd = openSync(join(to, name), 'w');
    writeSync(fd, bytes);
    fsyncSync(fd);
    closeSync(fd);
  }
}
