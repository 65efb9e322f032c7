/** Charts of a registry: of one repository, or of all that its catalog lists and a pattern fits. */
import { tagToVersion } from '../../chart/version-tags.js';
import { ChartError, isChartError } from '../../errors.js';
import { isHost, parseReference, wireTag } from '../../oci/reference.js';
import type { CallOptions, Target } from '../../oci/target.js';
import { patternTest } from '../pattern.js';
import type { Findings } from './found-chart.js';
import { collect, ListedOnce } from './listed-once.js';
import { noSuchChart, noSuchVersion } from './nothing-fits.js';
import { chartAt, chartsOf, lastPartOf, mergeFindings, parentOf, type RepositoryPlace } from './oci-findings.js';
import { isWanted } from './selection.js';
import type { MirrorEntry } from './types.js';

/** Names of a catalog that are looked at for the sake of a hint. */
const LOOK_BELOW = 5_000;

export class RegistrySources {
  readonly #connect: (host: string) => Promise<Target> | Target;
  readonly #call: CallOptions;
  readonly #tags = new ListedOnce<string[]>();
  readonly #catalogs = new ListedOnce<string[]>();

  constructor(connect: (host: string) => Promise<Target> | Target, call: CallOptions) {
    this.#connect = connect;
    this.#call = call;
  }

  /** With a tag, that one version: whether it is there is seen when it is copied. */
  async findInRepository(entry: MirrorEntry): Promise<Findings> {
    const { host, path, tag, digest } = parseReference(entry.source);
    if (host === undefined || digest !== undefined) {
      throw new ChartError('USAGE', `${entry.source} is no repository of a registry`, {
        hint: 'A source is oci://HOST[:PORT]/PATH, with :TAG for one version and without a digest.',
      });
    }
    const target = await this.#connect(host);
    const place = { host, path, fixed: parentOf(path), repository: target.repository(path) };
    if (tag === undefined) return this.#findTagsOrBelow(entry, place, target);
    const chart = chartAt(place, wireTag(tag), tagToVersion(tag)?.text ?? tag);
    return { charts: [chart], leftOut: [], refused: [], prereleases: 0 };
  }

  async findInCatalog(entry: MirrorEntry): Promise<Findings> {
    const [host = '', ...rest] = entry.source.slice('oci://'.length).split('/');
    const pattern = rest.join('/');
    if (!isHost(host) || pattern === '') {
      throw new ChartError('USAGE', `${entry.source}: a pattern follows oci://HOST[:PORT]/`);
    }
    const target = await this.#connect(host);
    const listed = await this.#catalogs.get(host, () => collect(target.listRepositories(this.#call)));
    const fits = patternTest(pattern);
    const fixed = pattern.slice(0, pattern.search(/[*?]/)).replace(/[^/]*$/, '');
    const wanted = listed.filter((path) => fits(path) && isWanted(entry, path, lastPartOf(path)));
    if (wanted.length === 0) throw noSuchChart(entry, `${host} lists no repository that fits`, listed);
    const all = { ...entry, name: undefined };
    const found = await Promise.all(
      wanted.map(async (path) => {
        const place = { host, path, fixed, repository: target.repository(path), mayBeOther: true };
        return chartsOf(place, await this.#tagsOf(place), all);
      }),
    );
    return mergeFindings(found);
  }

  /** Where nothing has that very name, charts may lie below it: then the error says so. */
  async #findTagsOrBelow(entry: MirrorEntry, place: RepositoryPlace, target: Target): Promise<Findings> {
    try {
      const tags = await this.#tagsOf(place);
      const found = chartsOf(place, tags, entry);
      if (found.charts.length > 0) return found;
      const repository = `${place.host}/${place.path}`;
      throw noSuchVersion(entry, repository, new Map([[repository, tags]]), found.prereleases);
    } catch (error) {
      if (!isChartError(error) || !['MANIFEST_NOT_FOUND', 'CHART_NOT_FOUND'].includes(error.code)) throw error;
      if (!(await this.#hasBelow(target, `${place.path}/`))) throw error;
      const below = `${entry.source.replace(/\/+$/, '')}/*`;
      throw new ChartError(error.code, `${place.host}/${place.path} is no chart, but there are charts below it`, {
        hint: `'${below}' stands for all of them.`,
        cause: error,
      });
    }
  }

  #tagsOf({ host, path, repository }: RepositoryPlace): Promise<string[]> {
    return this.#tags.get(`${host}/${path}`, () => collect(repository.listTags(this.#call)));
  }

  async #hasBelow(target: Target, start: string): Promise<boolean> {
    let looked = 0;
    try {
      for await (const name of target.listRepositories(this.#call)) {
        if (name.startsWith(start)) return true;
        looked += 1;
        if (looked === LOOK_BELOW) return false;
      }
    } catch (error) {
      if (!isChartError(error) || error.code === 'CANCELLED') throw error;
    }
    return false;
  }
}
