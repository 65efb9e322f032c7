/** What is wrong with the cache as a layout: oci-layout, index.json and its entries, and what lies where it should not. */
import { ChartError, isChartError } from '../../errors.js';
import type { PrunePlan, Survey, SurveyedEntry } from '../../layout/layout.js';
import { isRecord } from '../../oci/descriptor.js';
import { ANNOTATION_REF_NAME } from '../../oci/media-types.js';
import { parseReference } from '../../oci/reference.js';
import { entryName, type FoundFault, type Note } from './findings.js';

const INDEX = 'index.json';

/** @param isWhole false: only the entries are wanted, and what concerns all */
export function layoutFaults(survey: Survey, entries: readonly SurveyedEntry[], isWhole: boolean): FoundFault[] {
  const common = { refs: [], entries: [], isFatal: false };
  const faults: FoundFault[] = [];
  const { layoutFile, indexFault } = survey;
  if (layoutFile instanceof ChartError) {
    const hint = `${layoutFile.hint ?? ''} "chart verify --repair" does that too.`.trim();
    faults.push({
      ...common,
      kind: 'layout-file',
      path: 'oci-layout',
      message: layoutFile.message,
      hint,
      mend: { kind: 'layout-file' },
    });
  } else if (layoutFile === 'missing') {
    const hint = 'The next command that writes makes it anew, and so does "chart verify --repair".';
    faults.push({
      ...common,
      kind: 'layout-file',
      path: 'oci-layout',
      message: 'it is missing',
      hint,
      mend: { kind: 'layout-file' },
    });
  }
  for (const { message, hint = '' } of indexFault ? [indexFault] : survey.indexFaults) {
    const fault = { ...common, kind: 'index' as const, path: INDEX, message, hint };
    faults.push(indexFault ? fault : { ...fault, mend: { kind: 'index' } });
  }
  for (const { path, error } of survey.links) {
    const { message, hint = '' } = error;
    faults.push({ ...common, kind: path === INDEX ? 'index' : 'misplaced', path, message, hint });
  }
  for (const entry of entries) faults.push(...entryFaults(entry));
  for (const path of isWhole ? survey.strays.filter((stray) => !isClutter(stray)) : []) {
    const hint = 'Move it away; chart never reads it.';
    faults.push({ ...common, kind: 'stray', path, message: 'its name is not that of a blob', hint });
  }
  return faults;
}

/** What file systems and desktops leave behind everywhere. */
function isClutter(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (
    ['.DS_Store', 'Thumbs.db', 'desktop.ini', 'lost+found', '.snapshot'].includes(name) || /^\.(?:nfs|_)/.test(name)
  );
}

function entryFaults(entry: SurveyedEntry): FoundFault[] {
  const { claimed, name, fault, raw } = entry;
  const common = { path: INDEX, refs: [entryName(entry)], entries: [entry], isFatal: false };
  if (fault) {
    const hint = 'Remove it with "chart verify --repair --drop-broken", and save or pull the chart again.';
    return [{ ...common, kind: 'entry', message: fault.message, hint, isFatal: true }];
  }
  if (claimed === undefined) {
    const lost = lostName(raw);
    if (lost === undefined) return [];
    const message = `manifests[${entry.position}] has no name, but says ${JSON.stringify(lost)} where names are not looked for`;
    const hint = `If that is its name, write it to the annotation ${ANNOTATION_REF_NAME} in index.json, or save or pull the chart again.`;
    return [{ ...common, kind: 'name', message, hint }];
  }
  const faults: FoundFault[] = [];
  if (name === undefined) {
    const message = `a later entry has the name ${claimed}, too, which counts`;
    const hint =
      '"chart verify --repair" gives this one the name REPOSITORY@DIGEST; the next command that sets the name drops it.';
    faults.push({ ...common, kind: 'duplicate', message, hint, mend: { kind: 'rename' } });
  }
  const reason = reasonAgainst(claimed);
  if (reason !== undefined) {
    const hint = 'Give it a sound one with chart tag, and remove this one with chart remove.';
    faults.push({ ...common, kind: 'name', message: reason, hint });
  }
  return faults;
}

function reasonAgainst(name: string): string | undefined {
  try {
    parseReference(name);
    return undefined;
  } catch (error) {
    if (isChartError(error)) return error.message;
    throw error;
  }
}

/** A full reference somewhere in an entry that has no name: what is left when the annotation got another key. */
function lostName(raw: unknown): string | undefined {
  if (typeof raw === 'string') return isFullReference(raw) ? raw : undefined;
  if (!isRecord(raw)) return undefined;
  for (const [member, value] of Object.entries(raw)) {
    if (member === 'urls' || member === 'data' || member === 'digest') continue;
    const found = lostName(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isFullReference(text: string): boolean {
  try {
    const { host, tag, digest } = parseReference(text);
    return host !== undefined && /[.:]|^localhost$/.test(host) && (tag ?? digest) !== undefined;
  } catch {
    return false;
  }
}

/** @param plan what prune would take, where that is known */
export function layoutNotes(survey: Survey, plan: Pick<PrunePlan, 'blobs' | 'ingest'> | undefined): Note[] {
  const notes: Note[] = [];
  const add = (kind: Note['kind'], message: string): void => void notes.push({ kind, refs: [], message });
  const loose = plan?.blobs.length ?? 0;
  if (loose > 0)
    add('unreferenced', `${count(loose, 'blob is', 'blobs are')} reached by no reference; chart prune deletes them`);
  const abandoned = survey.abandoned.length;
  if (abandoned > 0)
    add('abandoned', `${count(abandoned, 'unfinished file', 'unfinished files')} in ingest/; chart prune sweeps them`);
  const unnamed = survey.entries.filter(({ claimed, fault }) => claimed === undefined && !fault).length;
  if (unnamed > 0) add('unnamed', `${count(unnamed, 'entry', 'entries')} of index.json without a name`);
  const open = [...survey.blobs.values()].filter(({ kind, mode }) => kind === 'file' && (mode & 0o002) !== 0).length;
  if (open > 0 && process.platform !== 'win32') {
    add(
      'writable',
      `${count(open, 'blob', 'blobs')} that everybody may write to; chmod a-w keeps others from damaging them`,
    );
  }
  return notes;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
