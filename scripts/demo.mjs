// The main job from end to end on this machine alone: an embedded registry, real charts, and at the end a comparison of
// what came out with what went in. Everything happens in a temporary directory, which is removed afterwards.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(root, 'bin', 'chart.js');
const charts = join(root, 'fixtures', 'real');
const work = mkdtempSync(join(tmpdir(), 'chart-demo-'));
const env = { ...process.env, HELM_CACHE_HOME: join(work, 'cache'), HELM_CONFIG_HOME: join(work, 'config') };

/** Prints a command as one would type it, runs it, and prints what it says. */
function chart(...args) {
  console.log(`\n$ chart ${args.map((arg) => (/[*\s]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`);
  process.stdout.write(execFileSync(process.execPath, [program, ...args], { cwd: work, env, encoding: 'utf8' }));
}

function quietly(...args) {
  return execFileSync(process.execPath, [program, ...args], { cwd: work, env, encoding: 'utf8' });
}

function filesOf(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/** Throws unless both directories hold the same files with the same bytes and the same execute bits. */
function compare(source, copy) {
  const [expected, found] = [filesOf(source), filesOf(copy)];
  if (expected.join('\n') !== found.join('\n')) throw new Error(`${copy} has other files than ${source}`);
  for (const file of expected) {
    const [a, b] = [join(source, file), join(copy, file)];
    if (!readFileSync(a).equals(readFileSync(b))) throw new Error(`${b} differs from ${a}`);
    if ((statSync(a).mode & 0o100) !== (statSync(b).mode & 0o100)) throw new Error(`${b} has another mode than ${a}`);
  }
  return expected.length;
}

function startRegistry() {
  const storage = join(work, 'registry');
  console.log(`$ chart serve --writable --addr 127.0.0.1:0 --cache-dir ${storage} &`);
  const server = spawn(
    process.execPath,
    [program, 'serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', storage],
    {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return new Promise((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`the registry ended with exit code ${code}`)));
    createInterface({ input: server.stdout }).on('line', (line) => {
      console.log(line);
      const match = /^Listening on http:\/\/(\S+)$/.exec(line);
      if (match) resolve({ server, host: match[1] });
    });
  });
}

const { server, host } = await startRegistry();
try {
  const names = readdirSync(charts).filter((name) => statSync(join(charts, name)).isDirectory());
  const prefix = `${host}/demo`;
  chart('save', ...names.map((name) => join(charts, name)), '--to', prefix);
  chart('list');
  const refs = quietly('list', '-q').trim().split('\n');
  chart('push', ...refs);
  chart('remove', ...refs);
  chart('prune');
  chart('list');
  chart('pull', ...refs);
  chart('export', ...refs, '-d', 'exported');
  console.log('\nComparing the exported charts with their sources');
  for (const name of names) {
    const count = compare(join(charts, name), join(work, 'exported', name));
    console.log(`  ${name}: ${count} files, all equal`);
  }
  console.log('\nAll is well: saved, pushed, removed, pulled and exported without a difference.');
} finally {
  server.removeAllListeners('exit');
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill();
  await ended;
  rmSync(work, { recursive: true, force: true });
}
