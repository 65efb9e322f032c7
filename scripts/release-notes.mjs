// Prints the section of CHANGELOG.md for a version, for the page of a release: node scripts/release-notes.mjs [VERSION]
// Without a version it is that of package.json. A version that has no section is an error, so that none is released without notes.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = (process.argv[2] ?? JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version).replace(
  /^v/,
  '',
);
const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m).slice(1);
const section = sections.find((text) => /^\[?([^\]\s]+)/.exec(text)?.[1] === wanted);
const notes = section?.slice(section.indexOf('\n')).trim();
if (!notes) {
  console.error(
    `CHANGELOG.md has no section "## ${wanted} - YYYY-MM-DD"; rename "## Unreleased" when a version is made.`,
  );
  process.exit(1);
}
console.log(notes);
