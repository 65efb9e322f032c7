/** What somebody may have meant who typed something else. */
import { distance } from 'fastest-levenshtein';

/** Names longer than this are not compared: the work grows with the square. */
const LONGEST = 300;

/**
 * The names that are few edits from the wanted one, the nearest first: at most a third of its characters, four at the utmost.
 *
 * @param limit how many at most
 */
export function nearNames(wanted: string, names: Iterable<string>, limit = 3): string[] {
  const allowed = Math.min(4, Math.max(1, Math.floor(wanted.length / 3)));
  const found: { name: string; edits: number }[] = [];
  if (wanted.length > LONGEST) return [];
  for (const name of new Set(names)) {
    if (Math.abs(name.length - wanted.length) > allowed) continue;
    const edits = distance(wanted, name);
    if (edits <= allowed) found.push({ name, edits });
  }
  return found
    .sort((one, other) => one.edits - other.edits || (one.name < other.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}
