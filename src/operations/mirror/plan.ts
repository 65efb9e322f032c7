/** From entries to what goes where: sources are listed, dependencies followed, names at the target given. */
import { createHash } from 'node:crypto';
import type { ChartDependency } from '../../chart/metadata.js';
import { ChartError, isChartError } from '../../errors.js';
import { formatReference } from '../../oci/reference.js';
import { mapConcurrent } from '../parallel.js';
import type { Findings, FoundChart } from './found-chart.js';
import { placeChart, type TargetPrefix } from './placement.js';
import { shownSource } from './source-kind.js';
import type { Sources } from './sources.js';
import type { LeftOut, MirrorEntry, MirrorJob } from './types.js';

/** One chart version on its way. */
export interface PlannedChart {
  readonly found: FoundChart;
  /** Full reference at the target. */
  readonly target: string;
  readonly repository: string;
  readonly tag: string;
  readonly referrers: boolean;
}

/** A source that could not be read, or a chart that can have no place. */
export interface PlanFailure {
  readonly source: string;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly error: ChartError;
}

export interface MirrorPlan {
  readonly charts: readonly PlannedChart[];
  readonly failures: readonly PlanFailure[];
  readonly leftOut: readonly LeftOut[];
  readonly prereleases: number;
}

export interface PlanDependencies {
  readonly sources: Sources;
  /** Called with what is planned as soon as it is; the charts of the plan are these, in this order. */
  readonly onPlanned: (charts: readonly PlannedChart[]) => void;
  readonly signal?: AbortSignal | undefined;
}

/** How far dependencies are followed; charts that depend on each other in a circle end it by themselves. */
const DEPTH_LIMIT = 32;

/** @throws ChartError `CANCELLED`; all else is a failure of its entry */
export async function planMirror(
  { sources, onPlanned, signal }: PlanDependencies,
  { entries, shard, parallel }: Pick<MirrorJob, 'entries' | 'shard' | 'parallel'>,
  prefix: TargetPrefix,
): Promise<MirrorPlan> {
  const planning = new Planning(prefix);
  const charts: PlannedChart[] = [];
  const take = (planned: readonly PlannedChart[]): void => {
    const own = shard ? planned.filter(({ target }) => shardOf(target, shard.count) === shard.index) : planned;
    charts.push(...own);
    onPlanned(own);
  };
  let wave: readonly Wish[] = entries.map((entry) => ({ entry, source: entry.source }));
  for (let depth = 0; wave.length > 0 && depth < DEPTH_LIMIT; depth += 1) {
    const next = await mapConcurrent(wave, parallel, async (wish) => {
      const added =
        (await planning.failing(wish, async () => planning.add(wish, await sources.find(wish.entry)))) ?? [];
      // What reads the manifests comes first, so that nothing asks for their digests beside it.
      const wishes = await followDependencies(planning, wish, added, signal);
      take(added);
      return wishes;
    });
    wave = planning.unseen(next.flat());
  }
  return { charts, ...planning.result() };
}

/** From 1 to `count`: the same on every machine, so that each chart is in exactly one. */
export function shardOf(target: string, count: number): number {
  return (createHash('sha256').update(target).digest().readUInt32BE(0) % count) + 1;
}

/** An entry, and how failures call it. */
interface Wish {
  readonly entry: MirrorEntry;
  readonly source: string;
}

async function followDependencies(
  planning: Planning,
  { entry }: Wish,
  charts: readonly PlannedChart[],
  signal: AbortSignal | undefined,
): Promise<Wish[]> {
  if (!entry.dependencies) return [];
  const wishes: Wish[] = [];
  for (const { found: chart } of charts) {
    const wish = { entry, source: chart.source };
    const dependencies = await planning.failing(wish, () => chart.dependencies({ signal }));
    for (const dependency of dependencies ?? []) {
      const next = await planning.failing(wish, async () => wishFor(dependency, entry, chart));
      if (next) wishes.push(next);
    }
  }
  return wishes;
}

/** The newest version that fits. `alias` and `condition` do not change what has to be there. */
function wishFor(
  { name, version, repository }: Pick<ChartDependency, 'name' | 'version' | 'repository'>,
  { target, referrers }: MirrorEntry,
  dependent: FoundChart,
): Wish | undefined {
  if (repository === '' || repository.startsWith('file:')) return undefined;
  const source = `${shownSource(repository)} ${name}, which ${dependent.source} depends on`;
  const own = target !== undefined && /\{(?:name|path)\}/.test(target) ? target : undefined;
  const rule = { version: version || '*', limit: 1, dependencies: true, referrers, target: own };
  if (repository.startsWith('oci://')) {
    return { source, entry: { ...rule, source: `${repository.replace(/\/+$/, '')}/${name}` } };
  }
  if (/^https?:\/\//i.test(repository)) return { source, entry: { ...rule, source: repository, name } };
  throw new ChartError(
    'MIRROR_CONFLICT',
    `${dependent.source} depends on ${name} of ${JSON.stringify(shownSource(repository))}, which is no address`,
    {
      hint: 'Names of repositories (@NAME) are known only to Helm on the machine where the chart was made: add the chart as an entry of its own.',
    },
  );
}

class Planning {
  readonly #prefix: TargetPrefix;
  readonly #charts = new Map<string, PlannedChart>();
  readonly #failures: PlanFailure[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #wishes = new Set<string>();
  #prereleases = 0;

  constructor(prefix: TargetPrefix) {
    this.#prefix = prefix;
  }

  /** Runs what may fail for one entry without an end to the others. */
  async failing<T>({ source: asked, entry }: Wish, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isChartError(error) || error.code === 'CANCELLED') throw error;
      const { where } = entry;
      const source = asked === entry.source ? shownSource(asked) : asked;
      this.#failures.push({ source, error: where === undefined ? error : located(error, where, source) });
      return undefined;
    }
  }

  /** @returns the charts that were not planned before */
  add({ entry }: Wish, { charts, leftOut, refused, prereleases }: Findings): PlannedChart[] {
    this.#prereleases += prereleases;
    for (const left of leftOut) this.#leftOut.set(`${left.source} ${left.name} ${left.version} ${left.reason}`, left);
    for (const { source, name, version, reason } of refused) {
      const error = new ChartError('REPOSITORY_INVALID', `${source} ${name} ${version} is refused: ${reason}`, {
        hint: 'Whoever runs the repository has to make its index anew.',
      });
      this.#failures.push({ source: `${source} ${name} ${version}`, name, version, error });
    }
    return charts.flatMap((chart) => this.#place(entry, chart) ?? []);
  }

  #place(entry: MirrorEntry, found: FoundChart): PlannedChart | undefined {
    const { name, version, source } = found;
    try {
      const { tag, ...reference } = placeChart(this.#prefix, entry.target, found);
      const repository = formatReference({ ...reference, tag: undefined });
      const target = `${repository}:${tag}`;
      const other = this.#charts.get(target);
      if (other?.found.source === source) return undefined;
      if (other) throw conflict(target, source, other.found.source);
      const planned = { found, target, repository, tag, referrers: entry.referrers ?? false };
      this.#charts.set(target, planned);
      return planned;
    } catch (error) {
      if (!isChartError(error)) throw error;
      this.#failures.push({ source, name, version, error });
      return undefined;
    }
  }

  /** Dependencies that were not asked for before: a circle ends here. */
  unseen(wishes: readonly Wish[]): Wish[] {
    return wishes.filter(({ entry: { source, name, version } }) => {
      const key = JSON.stringify([source, name, version]);
      return !this.#wishes.has(key) && this.#wishes.add(key);
    });
  }

  result(): Omit<MirrorPlan, 'charts'> {
    return {
      failures: this.#failures,
      leftOut: [...this.#leftOut.values()],
      prereleases: this.#prereleases,
    };
  }
}

/** `mirror.yaml:12: oci://...: not found` */
function located(error: ChartError, where: string, source: string): ChartError {
  const text = error.message.includes(source) ? error.message : `${source}: ${error.message}`;
  const plain = /^https:/i.test(source) ? 'write http:// there' : 'write "plainHttp: true" for it under "registries"';
  const hint = error.hint?.replace('add --plain-http', plain);
  return new ChartError(error.code, `${where}: ${text}`, { hint, cause: error });
}

function conflict(target: string, one: string, other: string): ChartError {
  return new ChartError('MIRROR_CONFLICT', `${one} was not taken: ${target} is where ${other} goes`, {
    hint: 'Give one of them another target, such as one with {path} in it.',
  });
}
