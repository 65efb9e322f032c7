/** The form of index.json as a whole: what is wrong though its entries can be read. */
import { ChartError } from '../errors.js';
import { OCI_INDEX } from '../oci/media-types.js';
import type { IndexSnapshot } from './index-file.js';
import { indexPath } from './paths.js';

/** `LAYOUT_INVALID` each. */
export function indexFaults({ document, version }: IndexSnapshot, dir: string): ChartError[] {
  if (version === 'absent') return [];
  const { members, isWhole } = document;
  const faults: ChartError[] = [];
  const add = (message: string, hint: string): void => {
    faults.push(new ChartError('LAYOUT_INVALID', `${indexPath(dir)} ${message}`, { hint }));
  };
  if (!('schemaVersion' in members)) add('has no schemaVersion', REWRITE);
  else if (members.schemaVersion !== 2) {
    add(`has the schemaVersion ${shown(members.schemaVersion)} instead of 2`, 'Correct it in the file.');
  }
  if (!('manifests' in members)) add('has no list of manifests', REWRITE);
  if (members.mediaType !== undefined && members.mediaType !== OCI_INDEX) {
    add(`has the mediaType ${shown(members.mediaType)} instead of ${OCI_INDEX}`, 'Correct it in the file.');
  }
  if (!isWhole && 'schemaVersion' in members && 'manifests' in members) {
    add('has text after its document', REWRITE);
  }
  return faults;
}

const REWRITE = 'The next command that changes a reference writes it anew, and so does "chart verify --repair".';

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 100);
}
