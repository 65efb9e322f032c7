/**
 * What completes an argument or an option's value. The placeholder in the help decides: `[ref...]` is a reference, `<file>` a
 * file, wherever it stands. A test holds every placeholder of the command tree against this table.
 */
import type { Settings } from '../settings.js';

export type Value =
  /** The shell's own completion of paths. */
  | 'file'
  | 'directory'
  /** References in the cache; `repository` is without tags. */
  | 'reference'
  | 'repository'
  /** Registries that are logged in to. */
  | 'host'
  /** Nothing that could be known. */
  | 'none';

const VALUES: Readonly<Record<string, readonly Value[]>> = {
  file: ['file'],
  path: ['file'],
  dir: ['directory'],
  ref: ['reference'],
  'path|ref': ['file', 'reference'],
  pattern: ['reference'],
  src: ['reference'],
  dst: ['reference'],
  repo: ['repository'],
  prefix: ['repository'],
  host: ['host'],
};

/** Placeholders for what nobody but the user can know, such as a password. */
const FREE: ReadonlySet<string> = new Set([
  'name',
  'password',
  'host:port',
  'port',
  'url',
  'size',
  'duration',
  'count',
  'command',
  'range',
  'glob',
  'rate',
  'i/n',
  // Completed by the command tree.
  'command|topic',
]);

/** Undefined for a placeholder that the table does not know. */
export function valuesOf(placeholder: string): readonly Value[] | undefined {
  if (FREE.has(placeholder)) return ['none'];
  return Object.hasOwn(VALUES, placeholder) ? VALUES[placeholder] : undefined;
}

/** The placeholder in `-d, --destination <dir>`. */
export function placeholderOf(flags: string): string {
  return /[<[]([^\]>]+)[\]>]/.exec(flags)?.[1]?.replace(/\.\.\.$/, '') ?? '';
}

/** Words for a kind of value, in no promised order; none where what they come from cannot be read. */
export async function listValues(value: Value, settings: Settings): Promise<string[]> {
  if (value === 'host') {
    const { listHosts } = await import('../../registry/credentials.js');
    return listHosts(settings.credentialFiles);
  }
  if (value !== 'reference' && value !== 'repository') return [];
  const { openLayout } = await import('../../layout/layout.js');
  const index = await openLayout(settings.cacheDirectory, { readOnly: true }).readIndex();
  const { splitName } = await import('../../oci/reference.js');
  const { isAttachmentTag } = await import('../../oci/referrers.js');
  const names = index.flatMap(({ name }) => (name === undefined || isAttachmentTag(splitName(name).tag) ? [] : [name]));
  if (value === 'reference') return names;
  return names.map((name) => splitName(name).repository);
}
