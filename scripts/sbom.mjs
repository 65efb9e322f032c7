// Writes dist/sbom.cdx.json: what the built program contains, in CycloneDX form. npm knows the packages and their hashes; those
// that only build and test are taken out, and what would differ between two builds of the same source.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const { name } = JSON.parse(readFileSync('package.json', 'utf8'));
const bundled = JSON.parse(readFileSync('dist/packages.json', 'utf8'));

const { serialNumber, metadata, ...bom } = JSON.parse(
  // On Windows npm is a script, which only a shell starts.
  execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  }),
);
const kept = new Set(bundled.map((one) => `${one.name}@${one.version}`));
const isDevelopment = ({ name: property }) => property === 'cdx:npm:package:development';
const components = bom.components
  .filter((component) => kept.delete(component['bom-ref']))
  .map((component) => ({
    ...component,
    scope: 'required',
    properties: component.properties.filter((property) => !isDevelopment(property)),
  }));
if (kept.size > 0) throw new Error(`npm does not know ${[...kept].join(', ')}`);

const refs = new Set(components.map((component) => component['bom-ref']));
const root = { ...metadata.component, name };
const dependencies = [
  { ref: root['bom-ref'], dependsOn: [...refs] },
  ...bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) })),
];
const document = { ...bom, metadata: { component: root }, components, dependencies };
writeFileSync('dist/sbom.cdx.json', `${JSON.stringify(document, undefined, 2)}\n`);
