/**
 * Many charts from where they are to where they are wanted: one listing of each source, what the target has is skipped, the rest is
 * copied byte for byte, manifests last. A run that was cut off is gone on with by running it again.
 */
import { mapWithTail, Queue, Slots } from '../parallel.js';
import { failing, lookFor } from './one-chart.js';
import { parseTarget, type TargetPrefix } from './placement.js';
import { type MirrorPlan, type PlannedChart, planMirror } from './plan.js';
import { RateLimit } from './rate.js';
import { type SourceDependencies, Sources } from './sources.js';
import { cacheTarget, type MirrorTarget, registryTarget } from './targets.js';
import type { LeftOut, MirroredChart, MirrorInput, MirrorJob, MirrorListener, MirrorReport } from './types.js';

export interface MirrorDependencies extends SourceDependencies {
  readonly listener?: MirrorListener | undefined;
}

/**
 * Mirrors, or says what would be done. One failure does not hide the rest: what fails is in the report.
 *
 * @throws ChartError `USAGE` for a target that is none; `CANCELLED`; what the cache throws where that is the target
 *
 * @example
 * ```ts
 * import { mirrorCharts, openLayout, openRegistry } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const registry = openRegistry('127.0.0.1:5000');
 * const { charts } = await mirrorCharts(
 *   { layout, connect: () => registry },
 *   { entries: [{ source: 'oci://127.0.0.1:5000/team/app', version: '^1' }], target: 'cache' },
 * );
 * console.log(charts.map(({ version, status }) => `${version} ${status}`).join()); // 1.1.0 copied,1.0.0 copied
 * await registry.close();
 * await layout.close();
 * ```
 */
export async function mirrorCharts(dependencies: MirrorDependencies, given: MirrorInput): Promise<MirrorReport> {
  const { mode = 'copy', overwrite = false, parallel = PARALLEL } = given;
  const input: MirrorJob = { ...given, mode, overwrite, parallel };
  const { connect, layout, signal } = dependencies;
  const prefix = parseTarget(input.target);
  const sources = new Sources(dependencies);
  try {
    const run = (target: MakeTarget): Promise<MirrorReport> => mirrorTo(dependencies, input, sources, prefix, target);
    if (prefix.kind === 'registry') return await run(() => registryTarget(connect));
    if (prefix.kind === 'cache') return await run(() => cacheTarget(layout, signal));
    const { copyToBundle, viewBundle } = await import('./bundles.js');
    const file = prefix.file as string;
    if (input.mode !== 'copy') return await viewBundle(file, { signal }, (target) => run(() => target));
    return await copyToBundle(file, { signal }, (makeTarget, into) => run(() => makeTarget(into)));
  } finally {
    await sources.close();
  }
}

const PARALLEL = 8;

/** Charts that are looked for at the same time, for each that is copied; a registry needs as many connections. */
export const LOOKS = 3;

type MakeTarget = () => MirrorTarget | Promise<MirrorTarget>;

async function mirrorTo(
  { signal, listener }: MirrorDependencies,
  input: MirrorJob,
  sources: Sources,
  prefix: TargetPrefix,
  makeTarget: MakeTarget,
): Promise<MirrorReport> {
  const target = await makeTarget();
  const found = new Queue<PlannedChart>();
  const onPlanned = (charts: readonly PlannedChart[]): void => {
    target.expect?.(charts);
    found.add(charts);
  };
  const planning = planMirror({ sources, onPlanned, signal }, input, prefix)
    .then((plan) => {
      listener?.onPlan?.(plan.charts.length);
      return plan;
    })
    .finally(() => found.end());
  planning.catch(() => undefined);
  const limit = input.maxRate === undefined ? undefined : new RateLimit(input.maxRate);
  const leftOut: LeftOut[] = [];
  const run = { input, target, limit, signal, listener, leftOut, copies: new Slots(input.parallel) };
  const compared = new Slots(LOOKS * input.parallel);
  const work = async (chart: PlannedChart, position: number): Promise<() => Promise<MirroredChart | undefined>> => {
    const look = await failing(chart, () => lookFor(run, chart));
    // Nothing is written or told before all that there is to do is known. Only what is to be copied is waited for in turn.
    const go = async () => {
      await planning;
      return 'next' in look ? await failing(chart, look.next) : look;
    };
    const begun = 'next' in look && look.toCopy ? { tail: await go() } : undefined;
    return async () => {
      const { tail } = begun ?? { tail: await compared.run(go) };
      const done = typeof tail === 'function' ? await failing(chart, tail) : tail;
      listener?.onChart?.(chart.found.source, done, position);
      return done;
    };
  };
  // Some are compared, and their manifests read, while others are copied; and all that while sources are still being listed.
  const charts = await mapWithTail(found, LOOKS * input.parallel, work, () => target.finish()).finally(() =>
    planning.catch(() => undefined),
  );
  const report = reportOf(
    await planning,
    charts.filter((chart) => chart !== undefined),
  );
  return { ...report, leftOut: [...report.leftOut, ...leftOut] };
}

function reportOf(plan: MirrorPlan, charts: readonly MirroredChart[]): MirrorReport {
  const failures = plan.failures.map(({ source, name, version, error }): MirroredChart => {
    return { source, target: undefined, name, version, status: 'failed', digest: undefined, copiedBytes: 0, error };
  });
  return { charts: [...charts, ...failures], leftOut: plan.leftOut, prereleases: plan.prereleases };
}
