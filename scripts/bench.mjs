// What the program costs, as ratios measured side by side in one run: against bare Node, and against Helm 3.6.3 where it is
// on PATH (as helm3, helm-3.6.3 or helm). Prints one table; absolute times say little on a machine that others use too.
//
//     npm run bench [-- RUNS]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const runs = Number(process.argv[2] ?? 7);
const work = mkdtempSync(join(tmpdir(), 'chart-bench-'));
const node = [process.execPath, '-e', '0'];
const chart = (...args) => [process.execPath, join(root, 'bin', 'chart.js'), ...args];
const helm = findHelm();

/** Milliseconds of one run of all commands, one after another. */
function time(commands, cache) {
  const env = { ...process.env, HELM_CACHE_HOME: cache, HELM_EXPERIMENTAL_OCI: '1' };
  const start = process.hrtime.bigint();
  for (const [file, ...args] of commands) {
    const { status, stderr } = spawnSync(file, args, { cwd: work, env, encoding: 'utf8', maxBuffer: 1 << 28 });
    if (status !== 0) throw new Error(`${[file, ...args].join(' ').slice(0, 200)} failed: ${stderr}`);
  }
  return Number(process.hrtime.bigint() - start) / 1e6;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Runs both in turn, so that both meet the same load. `prepare` gives the cache directory of each run. */
function compare(name, ours, other, otherName, { count = runs, prepare = () => join(work, 'empty') } = {}) {
  const pairs = Array.from({ length: count }, (_, i) => [time(ours, prepare(`a${i}`)), time(other, prepare(`b${i}`))]);
  const ratio = median(pairs.map(([a, b]) => a / b));
  const text = ratio < 1 ? `${(1 / ratio).toFixed(1)} times as fast as` : `${ratio.toFixed(2)} times the time of`;
  console.log(
    `${name.padEnd(48)} ${median(pairs.map(([a]) => a))
      .toFixed(0)
      .padStart(7)} ms   ${text} ${otherName}`,
  );
}

function findHelm() {
  for (const name of ['helm3', 'helm-3.6.3', 'helm']) {
    const { stdout } = spawnSync(name, ['version', '--short'], { encoding: 'utf8' });
    if (stdout?.startsWith('v3.6') || /^v3\.6/m.test(stdout ?? '')) return name;
  }
  return undefined;
}

/** Charts like real ones in number and size of files, each with content of its own. */
function makeCharts(count) {
  const sources = readdirSync(join(root, 'fixtures', 'real')).map((name) => join(root, 'fixtures', 'real', name));
  return Array.from({ length: count }, (_, i) => {
    const directory = join(work, 'charts', `c${i}`);
    cpSync(sources[i % sources.length], directory, { recursive: true });
    const file = join(directory, 'Chart.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .replace(/^name:.*$/m, `name: c${i}`)
        .replace(/^version:.*$/m, `version: 1.0.${i}`),
    );
    return directory;
  });
}

try {
  compare('chart --version', [chart('--version')], [node], 'bare Node', { count: runs * 3 });
  compare('chart list, empty cache', [chart('list')], [node], 'bare Node', { count: runs * 3 });

  const charts = makeCharts(280);
  const fresh = (name) => join(work, `fresh-${name}`);
  const save = [chart('save', ...charts, '--to', 'localhost:5000/bench', '-q')];
  compare('chart save of 280 charts in one call', save, [node], 'bare Node', { count: 3, prepare: fresh });
  if (helm) {
    const one = charts.map((path, i) => [helm, 'chart', 'save', path, `localhost:5000/bench/c${i}:1.0.${i}`]);
    compare('', save, one, 'Helm 3.6.3, one call each', { count: 1, prepare: (name) => fresh(`helm-${name}`) });
  }

  const cache = join(work, 'list');
  time(save, cache);
  const layout = join(cache, 'registry', 'cache', 'index.json');
  const index = JSON.parse(readFileSync(layout, 'utf8'));
  for (const count of [300, 5000]) {
    const manifests = Array.from({ length: count }, (_, i) => ({
      ...index.manifests[i % index.manifests.length],
      annotations: { 'org.opencontainers.image.ref.name': `localhost:5000/bench/name${i}:1.0.0` },
    }));
    writeFileSync(layout, JSON.stringify({ ...index, manifests }));
    const options = { count: 3, prepare: () => cache };
    compare(`chart list of ${count} references to 280 charts`, [chart('list')], [node], 'bare Node', options);
    if (helm) compare('', [chart('list')], [[helm, 'chart', 'list']], 'Helm 3.6.3', options);
  }
  if (!helm) console.log('Helm 3.6.3 is not on PATH: left out.');
} finally {
  rmSync(work, { recursive: true, force: true });
}
