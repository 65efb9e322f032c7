// Runs when Helm has installed or updated the plugin: says at once what is missing, and builds a checkout that is not built.
// No syntax newer than Node 14, so that an old Node is told what is wrong rather than that it cannot read this.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`chart needs Node.js 20.19 or later, and "node" is ${process.version}. Install a newer one and run this again.`);
}
if (!existsSync(join(root, 'dist', 'cli', 'main.cjs'))) {
  if (!existsSync(join(root, 'scripts', 'build.mjs'))) fail(`${root} is not whole: dist/ is missing. Install the plugin again.`);
  console.log('Building chart once, since this is a checkout of its source...');
  // On Windows npm is a script, which only a shell starts. Nothing in the command comes from outside.
  const { status, error } = spawnSync('npm ci --no-audit --no-fund --loglevel=error', { cwd: root, shell: true, stdio: 'inherit' });
  if (status !== 0) {
    fail(`cannot build chart${error ? `: ${error.message}` : ''}. Run "npm ci" in ${root}, or install the packed plugin, which is built.`);
  }
}
console.log('Run "helm chart --help" to see the commands.');

function fail(message) {
  console.error(message);
  process.exit(1);
}
