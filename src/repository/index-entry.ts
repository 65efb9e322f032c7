/** One version of a chart, as index.yaml has it. What Helm passes over as invalid is told with its reason. */
import { checkChartName } from '../chart/chart-name.js';
import { isChartVersion } from '../chart/version.js';
import { ChartError } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { type Digest, isDigest } from '../oci/digest.js';

export interface IndexedDependency {
  readonly name: string;
  /** A version or a range; empty for any. */
  readonly version: string;
  readonly repository: string;
}

/** A chart version that can be fetched. */
export interface IndexedChart {
  readonly name: string;
  readonly version: string;
  /** One at least; as they are written, so possibly relative. */
  readonly urls: readonly string[];
  /** Of the packed chart, where the index has it. */
  readonly digest: Digest | undefined;
  readonly dependencies: readonly IndexedDependency[];
}

/** An entry that cannot be used. */
export interface BrokenEntry {
  readonly name: string;
  readonly version: string | undefined;
  readonly reason: string;
  /** The same version stands there twice, for different content (GHSA-jm56-5h66-w453). */
  readonly duplicate: boolean;
}

/** @param chart the key under `entries`. @throws ChartError `REPOSITORY_INVALID` with the reason alone as its message */
export function readIndexEntry(chart: string, value: unknown): IndexedChart {
  if (!isRecord(value)) throw broken(value === null ? 'it is empty' : 'it is not a mapping');
  const name = text(value, 'name');
  const version = text(value, 'version');
  if (name === '') throw broken('it has no name');
  if (name !== chart) throw broken(`it calls itself ${JSON.stringify(name)}`);
  checkName(name);
  if (version === '') throw broken('it has no version');
  if (!isChartVersion(version)) throw broken(`${JSON.stringify(version)} is no version`);
  if (!['', 'application', 'library'].includes(text(value, 'type')))
    throw broken('its type is neither application nor library');
  const urls = list(value, 'urls').map((url) => (typeof url === 'string' ? own(url.trim()) : ''));
  if (urls.length === 0 || urls.includes('')) throw broken('it does not say where the chart is (urls)');
  return {
    name: own(name),
    version: own(version),
    urls,
    digest: digestOf(text(value, 'digest')),
    dependencies: list(value, 'dependencies').map(readDependency),
  };
}

/** The version of an entry that cannot be used, as far as it has one. */
export function versionOf(value: unknown): string | undefined {
  return isRecord(value) && typeof value.version === 'string' && value.version !== '' ? own(value.version) : undefined;
}

function readDependency(value: unknown): IndexedDependency {
  if (!isRecord(value)) throw broken('one of its dependencies is empty');
  const alias = text(value, 'alias');
  // GHSA-9vp5-m38w-j776
  if (alias !== '' && !/^[a-zA-Z0-9_-]+$/.test(alias))
    throw broken('the alias of a dependency holds what may not stand there');
  return {
    name: own(text(value, 'name')),
    version: own(text(value, 'version')),
    repository: own(text(value, 'repository')),
  };
}

/** Helm has hexadecimal digits alone; some tools write `sha256:` before them. */
function digestOf(written: string): Digest | undefined {
  if (written === '') return undefined;
  const digest = written.includes(':') ? written : `sha256:${written.toLowerCase()}`;
  if (!isDigest(digest)) throw broken('its digest is none');
  return own(digest) as Digest;
}

function checkName(name: string): void {
  try {
    checkChartName(name);
  } catch (error) {
    throw broken((error as Error).message);
  }
}

function text(value: Record<string, unknown>, field: string): string {
  const found = value[field];
  if (found === undefined || found === null) return '';
  if (typeof found === 'string') return found;
  if ((typeof found === 'number' || typeof found === 'boolean') && field !== 'digest') return String(found);
  throw broken(`its ${field} is no text`);
}

function list(value: Record<string, unknown>, field: string): readonly unknown[] {
  const found = value[field] ?? [];
  if (!Array.isArray(found)) throw broken(`its ${field} is not a list`);
  return found;
}

/** A copy: part of a longer text would keep all of it in memory. */
function own(part: string): string {
  return Buffer.from(part).toString();
}

function broken(reason: string): ChartError {
  return new ChartError('REPOSITORY_INVALID', reason);
}
