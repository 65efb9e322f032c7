/**
 * Everything that a user can run into is a `ChartError`; what cannot happen is a plain `Error`.
 * Callers look at `code`, never at words.
 */
import { constants } from 'node:os';

export type ChartErrorCode =
  // what the user typed
  | 'USAGE'
  | 'REFERENCE_INVALID'
  | 'REFERENCE_TAG_REQUIRED'
  | 'REFERENCE_HOST_REQUIRED'
  | 'REFERENCE_TAKEN'
  | 'DIGEST_INVALID'
  // chart sources and archives
  | 'CHART_NOT_FOUND'
  | 'CHART_INVALID'
  | 'CHART_SOURCE_UNREADABLE'
  | 'IGNORE_INVALID'
  | 'ARCHIVE_INVALID'
  | 'ARCHIVE_UNSAFE'
  | 'LIMIT_EXCEEDED'
  | 'EXPORT_BLOCKED'
  // provenance
  | 'KEYRING_INVALID'
  | 'PROVENANCE_MISSING'
  | 'PROVENANCE_INVALID'
  // content
  | 'BLOB_NOT_FOUND'
  | 'BLOB_DIGEST_MISMATCH'
  | 'BLOB_SIZE_MISMATCH'
  | 'BLOB_IN_USE'
  | 'MANIFEST_NOT_FOUND'
  | 'MANIFEST_INVALID'
  | 'ARTIFACT_NOT_A_CHART'
  | 'REFERRERS_CONFLICT'
  // the cache on disk
  | 'LAYOUT_INVALID'
  | 'LAYOUT_DAMAGED'
  | 'LAYOUT_LOCKED'
  | 'LAYOUT_UNREADABLE'
  | 'LAYOUT_UNWRITABLE'
  | 'DISK_FULL'
  // bundle files
  | 'BUNDLE_INVALID'
  | 'BUNDLE_INCOMPLETE'
  | 'BUNDLE_UNREADABLE'
  | 'BUNDLE_UNWRITABLE'
  // the wire
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_TLS'
  | 'REGISTRY_UNAUTHORIZED'
  | 'REGISTRY_FORBIDDEN'
  | 'REGISTRY_REFUSED'
  | 'REGISTRY_PROTOCOL'
  | 'REGISTRY_RATE_LIMITED'
  // classic chart repositories, and mirroring
  | 'REPOSITORY_INVALID'
  | 'REPOSITORY_NOT_FOUND'
  | 'MIRROR_FILE_INVALID'
  | 'MIRROR_CONFLICT'
  // credentials
  | 'CREDENTIALS_INVALID'
  | 'CREDENTIALS_NOT_FOUND'
  | 'CREDENTIALS_REJECTED'
  | 'CREDENTIALS_HELPER_FAILED'
  | 'CREDENTIALS_UNWRITABLE'
  // all else
  | 'CANCELLED'
  | 'OUTPUT_FAILED';

export interface ChartErrorOptions {
  /** What the user can do next, as a full sentence. */
  hint?: string | undefined;
  cause?: unknown;
}

/**
 * What a user can run into: a code for programs, a message and a hint for people.
 *
 * @example
 * ```ts
 * import { ChartError } from 'helm-chart-cache';
 *
 * const error = new ChartError('CHART_NOT_FOUND', 'no chart here', { hint: 'Save one first.' });
 * console.log(error.code, error.hint); // CHART_NOT_FOUND Save one first.
 * ```
 */
export class ChartError extends Error {
  readonly code: ChartErrorCode;
  readonly hint: string | undefined;

  constructor(code: ChartErrorCode, message: string, options: ChartErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ChartError';
    this.code = code;
    this.hint = options.hint;
  }
}

/**
 * True for a `ChartError`, of the given code where one is named.
 *
 * @example
 * ```ts
 * import { isChartError, openLayout, showChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * try {
 *   await showChart({ layout }, { ref: 'registry.example.com/team/absent:1.0.0', part: 'values' });
 * } catch (error) {
 *   if (!isChartError(error, 'CHART_NOT_FOUND')) throw error;
 *   console.log(error.message); // Chart not found: registry.example.com/team/absent:1.0.0
 * }
 * ```
 */
export function isChartError(error: unknown, code?: ChartErrorCode): error is ChartError {
  return error instanceof ChartError && (code === undefined || error.code === code);
}

/** The `code` of a Node.js system error (`ENOENT`, `EACCES`, ...), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  if (typeof error.code !== 'string' || error instanceof ChartError) return undefined;
  // Node has no name for some, a full quota (EDQUOT) among them.
  return /^unknown/i.test(error.code) ? (nameOfNumber(error) ?? error.code) : error.code;
}

function nameOfNumber(error: object): string | undefined {
  const number = 'errno' in error ? error.errno : undefined;
  return Object.entries(constants.errno).find(([, one]) => typeof number === 'number' && one === -number)?.[0];
}

/** True where this process has as many files open as it may: that says nothing of the file that was to be opened. */
export function isOutOfFiles(error: unknown): boolean {
  const code = systemErrorCode(error instanceof ChartError ? error.cause : error);
  return code === 'EMFILE' || code === 'ENFILE';
}

/** @throws ChartError `CANCELLED` once the signal is aborted, whatever reason it was aborted with */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
}

/** The error that an aborted signal stands for. */
export function cancelled(signal: AbortSignal): ChartError {
  return isChartError(signal.reason, 'CANCELLED')
    ? signal.reason
    : new ChartError('CANCELLED', 'cancelled', { cause: signal.reason });
}
