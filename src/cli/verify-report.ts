/** What chart verify found, as text or data. */
import type { Fault, Note } from '../operations/verify/findings.js';
import type { RepairReport } from '../operations/verify/repair.js';
import type { Findings } from '../operations/verify/verify.js';
import type { CommonOptions, FormatOptions } from './options.js';
import { renderData } from './render.js';
import { formatSize, printable } from './text.js';

type Report = Findings & Partial<RepairReport>;

export async function renderReport(
  report: Report,
  { output, quiet }: FormatOptions & Pick<CommonOptions, 'quiet'>,
): Promise<string> {
  if (output !== 'table') return renderData(reportData(report), output);
  if (quiet)
    return [...new Set(report.faults.flatMap(({ refs }) => refs))].map((ref) => `${printable(ref)}\n`).join('');
  return [
    ...report.faults.map((fault) => renderFault(fault, report.refusals?.get(fault.path))),
    ...(report.repaired ?? []).map((fault) => renderRepaired(fault, report.origins?.get(fault.path))),
    ...(report.dropped ?? []).map((ref) => `Removed ${printable(ref)}\n`),
    ...report.notes.map(renderNote),
    renderTotal(report),
  ].join('');
}

/** References that are named, of those that suffer from one fault. */
const NAMED = 5;

function renderFault({ path, refs, message, hint }: Fault, refusal: string | undefined): string {
  const named = refs.slice(0, NAMED).map((ref) => `  of ${printable(ref)}\n`);
  const more = refs.length > NAMED ? [`  and of ${refs.length - NAMED} more\n`] : [];
  const answer = refusal === undefined ? [] : [`  The repair failed: ${printable(refusal)}\n`];
  return [`${printable(path)}: ${printable(message)}\n`, ...named, ...more, ...answer, `  ${printable(hint)}\n`].join(
    '',
  );
}

function renderRepaired({ path, message }: Fault, origin: string | undefined): string {
  const from = origin === undefined ? '' : `; mended from ${printable(origin)}`;
  return `Repaired ${printable(path)}: ${printable(message)}${from}\n`;
}

function renderNote({ refs, message }: Note): string {
  const [first, ...more] = refs;
  const about = first === undefined ? '' : `${printable(first)}${more.length > 0 ? ` and ${more.length} more` : ''}: `;
  return `Note: ${about}${printable(message)}\n`;
}

function renderTotal({ references, blobs, bytes, faults, unknown }: Report): string {
  const checked = `${count(references, 'reference')}, ${count(blobs, 'blob')}, ${formatSize(bytes)}`;
  const missing = unknown.length === 0 ? '' : `, and ${count(unknown.length, 'reference')} not found`;
  return `Checked ${checked}: ${faults.length === 0 ? 'no faults' : count(faults.length, 'fault')}${missing}\n`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function reportData({
  references,
  blobs,
  bytes,
  faults,
  notes,
  unknown,
  repaired,
  dropped,
  refusals,
  origins,
}: Report): object {
  return {
    references,
    blobs,
    bytes,
    faults: faults.map((fault) => ({ ...faultData(fault), ...refusalData(refusals?.get(fault.path)) })),
    notes: notes.map(({ kind, refs, message }) => ({ kind, refs, message })),
    unknown: unknown.map(({ ref, error: { code, message } }) => ({ item: ref, error: { code, message } })),
    ...(repaired && { repaired: repaired.map((fault) => ({ ...faultData(fault), from: origins?.get(fault.path) })) }),
    ...(dropped && { dropped }),
  };
}

function faultData({ kind, path, refs, message, hint }: Fault): object {
  return { kind, path, refs, message, hint };
}

function refusalData(refusal: string | undefined): object {
  return refusal === undefined ? {} : { refusal };
}
