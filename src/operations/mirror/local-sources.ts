/** Charts of the cache, an image layout or a bundle: everything that has a name there. */
import { parseReference, splitName } from '../../oci/reference.js';
import type { CallOptions, Source } from '../../oci/target.js';
import { isPattern, patternTest } from '../pattern.js';
import type { Findings } from './found-chart.js';
import { collect, ListedOnce } from './listed-once.js';
import { noSuchChart, noSuchVersion } from './nothing-fits.js';
import { chartsOf, lastPartOf, mergeFindings, parentOf } from './oci-findings.js';
import { isWanted } from './selection.js';
import type { MirrorEntry } from './types.js';

/** What of a `Target` is needed to read from it. */
export interface NamedSources {
  repository(name: string): Source;
  listRepositories(options?: CallOptions): AsyncIterable<string>;
}

export class LocalSources {
  readonly #call: CallOptions;
  readonly #names = new ListedOnce<string[]>();
  readonly #tags = new ListedOnce<string[]>();

  constructor(call: CallOptions) {
    this.#call = call;
  }

  /** @param pattern of names: with `*` and `?`, or the start of a path; empty for all */
  async find(entry: MirrorEntry, target: NamedSources, pattern: string): Promise<Findings> {
    const fits = nameTest(pattern);
    const names = await this.#names.get(entry.source, () => collect(target.listRepositories(this.#call)));
    const wanted = names.filter((name) => fits(name) && isWanted(entry, name, lastPartOf(name)));
    const known = new Map<string, readonly string[]>();
    const found = await Promise.all(
      wanted.map(async (name) => {
        const { host, path } = parseReference(name);
        const repository = target.repository(name);
        const tags = await this.#tagsOf(`${entry.source} ${name}`, repository);
        known.set(name, tags);
        return chartsOf({ host, path, fixed: parentOf(path), repository, mayBeOther: true }, tags, entry);
      }),
    );
    const findings = mergeFindings(found);
    if (findings.charts.length > 0) return findings;
    if (wanted.length === 0) {
      throw noSuchChart(entry, `${entry.source} holds no chart that fits`, names.map(lastPartOf));
    }
    const what = wanted.length === 1 ? `${entry.source} ${wanted[0]}` : entry.source;
    throw noSuchVersion(entry, what, known, findings.prereleases);
  }

  /** As a registry would list them. */
  async #tagsOf(key: string, repository: Source): Promise<string[]> {
    const tags = await this.#tags.get(key, () => collect(repository.listTags(this.#call)));
    return tags.map((tag) => splitName(`x:${tag}`).tag);
  }
}

function nameTest(pattern: string): (name: string) => boolean {
  if (pattern === '') return () => true;
  if (isPattern(pattern)) return patternTest(pattern);
  return (name) => name === pattern || name.startsWith(`${pattern}/`);
}
