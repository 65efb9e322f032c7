// Packs the built program as a Helm plugin, twice, since no archive suits all versions of Helm:
//
//     helm-plugin/helm4/chart-VERSION.tgz    everything under chart/, plugin.yaml in Helm 4's format
//     helm-plugin/helm3/chart-VERSION.tgz    plugin.yaml at the root, in the format of Helm 3; installed from a URL
//
// The directory can be given: node scripts/plugin.mjs DIRECTORY. The same source gives the same bytes.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
if (!existsSync(join(root, 'dist', 'cli', 'main.cjs')))
  throw new Error('the program is not built: run "npm run build"');

const output = resolve(process.argv[2] ?? join(root, 'helm-plugin'));
const work = mkdtempSync(join(tmpdir(), 'chart-plugin-'));
try {
  await pack('helm4', 'chart', 'plugin/helm4.yaml');
  await pack('helm3', '.', 'plugin.yaml');
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** @param folder where everything stands in the archive, `.` for its root */
async function pack(helm, folder, metadata) {
  const staging = join(work, helm);
  const top = join(staging, folder);
  mkdirSync(top, { recursive: true });
  for (const part of ['bin', 'dist', 'plugin/prepare.mjs', 'plugin.complete', 'LICENSE', 'README.md', 'package.json']) {
    cpSync(join(root, part), join(top, part), { recursive: true });
  }
  // The pages that "helm chart help TOPIC" shows.
  mkdirSync(join(top, 'docs'));
  for (const page of readdirSync(join(root, 'docs'))) {
    if (page.endsWith('.md')) cpSync(join(root, 'docs', page), join(top, 'docs', page));
  }
  rmSync(join(top, 'dist', 'types'), { recursive: true, force: true });
  cpSync(join(root, metadata), join(top, 'plugin.yaml'));
  const file = join(output, helm, `chart-${version}.tgz`);
  mkdirSync(dirname(file), { recursive: true });
  const files = readdirSync(staging, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(staging, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  await create(
    { cwd: staging, file, gzip: { level: 9 }, portable: true, mtime: new Date(0), noDirRecurse: true },
    files,
  );
  console.log(relative(process.cwd(), file));
}
