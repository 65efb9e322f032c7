/**
 * Many charts from where they are to where they are wanted: one listing of each source, what the target has is skipped, the rest is
 * copied byte for byte, manifests last. A run that was cut off is gone on with by running it again.
 */
import type { Readable } from 'node:stream';
import { isChartError } from '../../errors.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { Source } from '../../oci/target.js';
import { mapWithTail, Slots } from '../parallel.js';
import { copyAttachments, hasAttachments } from './attachments.js';
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
    if (prefix.kind === 'registry') return await run((charts) => registryTarget(connect, charts));
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

/** Charts that are looked for at the same time, for each that is copied. */
const LOOKS = 2;

type MakeTarget = (charts: readonly PlannedChart[]) => MirrorTarget | Promise<MirrorTarget>;

async function mirrorTo(
  { signal, listener }: MirrorDependencies,
  input: MirrorJob,
  sources: Sources,
  prefix: TargetPrefix,
  makeTarget: MakeTarget,
): Promise<MirrorReport> {
  const plan = await planMirror({ sources, signal }, input, prefix);
  listener?.onPlan?.(plan.charts.length);
  const target = await makeTarget(plan.charts);
  const limit = input.maxRate === undefined ? undefined : new RateLimit(input.maxRate);
  const leftOut: LeftOut[] = [];
  const run = { input, target, limit, signal, listener, leftOut, copies: new Slots(input.parallel) };
  const work = async (chart: PlannedChart, position: number): Promise<() => Promise<MirroredChart | undefined>> => {
    const tail = await failing(chart, () => mirrorChart(run, chart));
    return async () => {
      const done = typeof tail === 'function' ? await failing(chart, tail) : tail;
      listener?.onChart?.(chart.found.source, done, position);
      return done;
    };
  };
  // Some are compared, and their manifests read, while others are copied.
  const charts = await mapWithTail(plan.charts, LOOKS * input.parallel, work, () => target.finish());
  const report = reportOf(
    plan,
    charts.filter((chart) => chart !== undefined),
  );
  return { ...report, leftOut: [...report.leftOut, ...leftOut] };
}

interface Run {
  readonly input: MirrorJob;
  readonly target: MirrorTarget;
  readonly limit: RateLimit | undefined;
  readonly signal: AbortSignal | undefined;
  readonly listener: MirrorListener | undefined;
  readonly leftOut: LeftOut[];
  readonly copies: Slots;
}

type Tail = () => Promise<MirroredChart>;

async function mirrorChart(run: Run, chart: PlannedChart): Promise<Tail | MirroredChart | undefined> {
  const { target, signal, input } = run;
  const onLikely = (): void => chart.found.prepare('compare', { signal });
  const existing = await target.find(chart, { signal, onLikely });
  if (existing === undefined) {
    if (chart.found.mayBeOther && !(await isChart(run, chart))) return undefined;
    if (input.mode !== 'copy') return told(chart, input.mode === 'check' ? 'missing' : 'planned');
    return copyChart(run, chart);
  }
  const there = await compareWith(run, chart, existing);
  if (there.status === 'present' || !input.overwrite) return there;
  if (input.mode !== 'copy') return { ...there, status: input.mode === 'check' ? 'drifted' : 'planned' };
  return copyChart(run, chart);
}

/** The same chart, or another one. */
async function compareWith(run: Run, chart: PlannedChart, { digest }: Descriptor): Promise<MirroredChart> {
  const { target, signal } = run;
  const read = async () => (await target.repository(chart)).readManifest(digest, { signal });
  const { same, wanted } = await chart.found.compare({ digest, read }, { signal });
  return same ? presentChart(run, chart, digest) : { ...told(chart, 'drifted'), digest, wanted };
}

async function presentChart(run: Run, chart: PlannedChart, digest: Digest): Promise<MirroredChart> {
  const { input, target, signal } = run;
  const present: MirroredChart = { ...told(chart, 'present'), digest };
  if (input.mode === 'copy') return withAttachments(run, chart, present);
  const attached = chart.referrers ? await chart.found.attachedTo({ signal }) : undefined;
  if (!attached || (await hasAttachments(attached, await target.repository(chart), { signal }))) return present;
  return { ...present, status: input.mode === 'check' ? 'missing' : 'planned' };
}

/** What is attached may be newer than the chart, so it is looked for whether the chart was there or not. */
async function withAttachments(run: Run, chart: PlannedChart, done: MirroredChart): Promise<MirroredChart> {
  const { input, target, signal, limit } = run;
  const attached = chart.referrers ? await chart.found.attachedTo({ signal }) : undefined;
  if (!attached) return done;
  const source = limit ? slowed(attached.source, limit) : attached.source;
  const repository = await target.repository(chart);
  const copied = await copyAttachments({ ...attached, source }, repository, { signal, overwrite: input.overwrite });
  const status = done.status === 'present' && copied.copiedBytes > 0 ? 'copied' : done.status;
  return { ...done, status, referrers: copied.referrers, copiedBytes: done.copiedBytes + copied.copiedBytes };
}

/** A catalog lists whatever a registry holds. */
async function isChart({ signal, leftOut }: Run, { found }: PlannedChart): Promise<boolean> {
  try {
    await (await found.open({ signal })).close();
    return true;
  } catch (error) {
    if (!isChartError(error, 'ARTIFACT_NOT_A_CHART')) throw error;
    leftOut.push({ source: found.source, name: found.name, version: found.version, reason: 'it is no Helm chart' });
    return false;
  }
}

function copyChart(run: Run, chart: PlannedChart): Promise<Tail> {
  chart.found.prepare('copy', { signal: run.signal });
  return run.copies.run(() => copyNow(run, chart));
}

async function copyNow(run: Run, chart: PlannedChart): Promise<Tail> {
  const { target, signal, limit, listener, input } = run;
  const through = limit && ((content: Readable) => limit.through(content));
  const opened = await chart.found.open({ signal, through });
  try {
    const source = limit && !opened.atHand ? { ...opened, source: slowed(opened.source, limit) } : opened;
    const { copiedBytes, named } = await target.write(chart, source, {
      signal,
      overwrite: input.overwrite,
      concurrency: Math.max(2, Math.min(4, input.parallel)),
      onEvent: (event) => listener?.onCopy?.(chart.found.source, event),
    });
    return async () => {
      const taken = await named();
      if (taken !== undefined) return compareWith(run, chart, taken);
      const copied = {
        ...told(chart, 'copied'),
        digest: opened.manifest.descriptor.digest,
        copiedBytes,
      };
      return withAttachments(run, chart, copied);
    };
  } finally {
    await opened.close();
  }
}

function slowed(source: Source, limit: RateLimit): Source {
  const { listReferrers } = source;
  return {
    resolve: (reference, options) => source.resolve(reference, options),
    readManifest: (reference, options) => source.readManifest(reference, options),
    readBlob: async (descriptor, options) => limit.through(await source.readBlob(descriptor, options)),
    statBlob: (digest, options) => source.statBlob(digest, options),
    listTags: (options) => source.listTags(options),
    ...(listReferrers && { listReferrers: listReferrers.bind(source) }),
  };
}

function told(chart: PlannedChart, status: MirroredChart['status']): MirroredChart {
  const { name, version, source } = chart.found;
  return { source, target: chart.target, name, version, status, digest: undefined, copiedBytes: 0 };
}

/** What is not a `ChartError` is a fault of this program and goes on up. */
async function failing<T>(chart: PlannedChart, work: () => Promise<T>): Promise<T | MirroredChart> {
  try {
    return await work();
  } catch (error) {
    if (!isChartError(error) || error.code === 'CANCELLED') throw error;
    return { ...told(chart, 'failed'), error };
  }
}

function reportOf(plan: MirrorPlan, charts: readonly MirroredChart[]): MirrorReport {
  const failures = plan.failures.map(({ source, name, version, error }): MirroredChart => {
    return { source, target: undefined, name, version, status: 'failed', digest: undefined, copiedBytes: 0, error };
  });
  return { charts: [...charts, ...failures], leftOut: plan.leftOut, prereleases: plan.prereleases };
}
