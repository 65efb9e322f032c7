/** Results as text. Everything that came from a chart or a registry goes through `printable`. */
import { digestHex } from '../oci/digest.js';
import type { Provenance } from '../operations/provenance.js';
import type { ChartSummary } from '../operations/summary.js';
import type { OutputFormat } from './options.js';
import { formatSize, printable } from './text.js';

/** The five lines that Helm prints of a chart. */
export function renderSummary({ ref, digest, size, name, version }: ChartSummary): string {
  return [
    `ref:     ${printable(ref)}`,
    `digest:  ${digestHex(digest)}`,
    `size:    ${formatSize(size)}`,
    `name:    ${printable(name)}`,
    `version: ${printable(version)}`,
    '',
  ].join('\n');
}

/** JSON or YAML with what a terminal would act upon escaped. */
export async function renderData(value: unknown, format: Exclude<OutputFormat, 'table'>): Promise<string> {
  if (format === 'json') return `${escapeControls(JSON.stringify(value, undefined, 2))}\n`;
  const { formatYaml } = await import('./yaml-text.js');
  return escapeControls(formatYaml(JSON.parse(JSON.stringify(value))));
}

function escapeControls(text: string): string {
  return text.replace(/[\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** What JSON and YAML hold of a chart. */
export function summaryData({ ref, name, version, digest, size }: ChartSummary): object {
  return { ref, name, version, digest, size };
}

/** The lines that `helm verify` prints; nothing where nothing was asked. */
export function renderProvenance(provenance: Provenance | undefined): string {
  if (provenance === undefined) return '';
  const signers = provenance.signers.flatMap(({ names, fingerprint }) => [
    ...names.map((name) => `Signed by: ${printable(name)}\n`),
    `Using Key With Fingerprint: ${fingerprint}\n`,
  ]);
  return `${signers.join('')}Chart Hash Verified: ${provenance.hash}\n`;
}

/** The same for JSON and YAML. */
export function provenanceData(provenance: Provenance | undefined): object {
  if (provenance === undefined) return {};
  return {
    signedBy: provenance.signers.map(({ names, fingerprint }) => ({ names, fingerprint })),
    hash: provenance.hash,
  };
}
