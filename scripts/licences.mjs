// Holds the licences of all packages, those of the program and those that build and test it, against what may be used, and
// says which packages have newer versions. Only the first can fail.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Licences that allow use, change and distribution of the whole under Apache-2.0. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
  'Zlib',
]);
/** Packages under another licence, each with why it may be used. */
const EXCEPTIONS = {
  openpgp: 'LGPL-3.0+: bundled unchanged into files of its own, which can be replaced (docs/decisions.md)',
  'axe-core': 'MPL-2.0: runs in tests, and is not distributed',
};

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const wrong = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, { license }]) => ({ name: path.replace(/^.*node_modules\//, ''), license }))
  .filter(({ name, license }) => !(name in EXCEPTIONS) && !isAllowed(license));
for (const { name, license } of wrong) console.error(`${name}: licence ${license ?? 'unknown'}`);
if (wrong.length > 0) process.exitCode = 1;
else console.log(`The licences of ${Object.keys(packages).length - 1} packages are fine.`);

const { stdout } = spawnSync('npm', ['outdated'], { encoding: 'utf8', shell: process.platform === 'win32' });
if (stdout) console.log(`\nNewer versions:\n${stdout}`);

/** An SPDX expression of licences with AND and OR, in at most one pair of parentheses. */
function isAllowed(expression) {
  if (!expression) return false;
  const alternatives = expression.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return alternatives.some((one) => one.split(' AND ').every((licence) => ALLOWED.has(licence)));
}
