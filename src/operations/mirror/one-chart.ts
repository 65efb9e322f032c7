/** What is done for one chart of a mirror: looked for at the target, compared, copied with what is attached to it. */
import type { Readable } from 'node:stream';
import { isChartError } from '../../errors.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';
import type { Source } from '../../oci/target.js';
import type { Slots } from '../parallel.js';
import { copyAttachments, hasAttachments } from './attachments.js';
import type { Comparison } from './found-chart.js';
import type { PlannedChart } from './plan.js';
import type { RateLimit } from './rate.js';
import type { MirrorTarget } from './targets.js';
import type { LeftOut, MirroredChart, MirrorJob, MirrorListener } from './types.js';

export interface Run {
  readonly input: MirrorJob;
  readonly target: MirrorTarget;
  readonly limit: RateLimit | undefined;
  readonly signal: AbortSignal | undefined;
  readonly listener: MirrorListener | undefined;
  readonly leftOut: LeftOut[];
  readonly copies: Slots;
}

/** What is left once the content is there: its naming, which many may share. */
export type Tail = () => Promise<MirroredChart>;

/** What there is to do for a chart. */
export interface Look {
  /** Whether its content is to be copied. */
  readonly toCopy: boolean;
  readonly next: () => Promise<Tail | MirroredChart | undefined>;
}

/** Asks whether the target has it, and compares. */
export async function lookFor(run: Run, chart: PlannedChart): Promise<Look> {
  const { target, signal, input } = run;
  const onLikely = (): void => chart.found.prepare('compare', { signal });
  const existing = await target.find(chart, { signal, onLikely });
  if (existing === undefined) return { toCopy: true, next: () => mirrorMissing(run, chart) };
  const there = await compareWith(run, chart, existing);
  return { toCopy: !there.same && input.overwrite, next: () => mirrorAgain(run, chart, there) };
}

async function mirrorMissing(run: Run, chart: PlannedChart): Promise<Tail | MirroredChart | undefined> {
  const { mode } = run.input;
  if (chart.found.mayBeOther && !(await isChart(run, chart))) return undefined;
  if (mode !== 'copy') return told(chart, mode === 'check' ? 'missing' : 'planned');
  return copyChart(run, chart);
}

async function mirrorAgain(run: Run, chart: PlannedChart, there: Compared): Promise<Tail | MirroredChart> {
  const { mode, overwrite } = run.input;
  if (there.same || !overwrite) return leftChart(run, chart, there);
  if (mode !== 'copy') return { ...drifted(chart, there), status: mode === 'check' ? 'drifted' : 'planned' };
  return copyChart(run, chart);
}

/** What the target has, beside what the source has. */
interface Compared extends Comparison {
  readonly digest: Digest;
}

async function compareWith({ target, signal }: Run, chart: PlannedChart, { digest }: Descriptor): Promise<Compared> {
  const read = async () => (await target.repository(chart)).readManifest(digest, { signal });
  return { ...(await chart.found.compare({ digest, read }, { signal })), digest };
}

/** What the target has stays: the same chart, or another one. */
async function leftChart(run: Run, chart: PlannedChart, there: Compared): Promise<MirroredChart> {
  return there.same ? presentChart(run, chart, there.digest) : drifted(chart, there);
}

function drifted(chart: PlannedChart, { digest, wanted }: Compared): MirroredChart {
  return { ...told(chart, 'drifted'), digest, wanted };
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
      if (taken !== undefined) return leftChart(run, chart, await compareWith(run, chart, taken));
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
export async function failing<T>(chart: PlannedChart, work: () => Promise<T>): Promise<T | MirroredChart> {
  try {
    return await work();
  } catch (error) {
    if (!isChartError(error) || error.code === 'CANCELLED') throw error;
    return { ...told(chart, 'failed'), error };
  }
}
