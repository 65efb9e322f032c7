/**
 * What a client is told when a request fails: a status, and a body of the specification's form.
 *
 *     {"errors":[{"code":"MANIFEST_UNKNOWN","message":"...","detail":...}]}
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
import { type ChartErrorCode, isChartError } from '../errors.js';

/** The specification's codes; the last two are for answers of 500 and above, which the specification leaves open. */
export type RegistryErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'UNKNOWN'
  | 'UNAVAILABLE';

export interface RefusalOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly detail?: unknown;
  readonly cause?: unknown;
}

/** An answer other than success. Its message is for the client, so it names nothing of the machine. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly detail: unknown;

  constructor(status: number, code: RegistryErrorCode, message: string, options: RefusalOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.detail = options.detail;
  }

  /** The JSON body. */
  body(): string {
    const { code, message, detail } = this;
    return JSON.stringify({ errors: [{ code, message, ...(detail !== undefined && { detail }) }] });
  }
}

/** What goes with a status of {@link ANSWERS}. */
const HEADERS: Readonly<Record<number, Record<string, string>>> = {
  405: { Allow: 'GET, HEAD' },
  429: { 'Retry-After': '5' },
  503: { 'Retry-After': '5' },
};

type Answer = readonly [status: number, code: RegistryErrorCode, message: string];

const FAULT: Answer = [500, 'UNKNOWN', 'the server ran into a fault'];
const BAD_NAME: Answer = [400, 'NAME_INVALID', 'the repository or reference is not valid'];
const BAD_GATEWAY: Answer = [502, 'UNAVAILABLE', 'the registry behind this one gave no usable answer'];

/** A fault of the target says what happened in its own words, which may hold a path: the client gets these instead. */
const ANSWERS: Readonly<Record<ChartErrorCode, Answer>> = {
  USAGE: FAULT,
  REFERENCE_INVALID: BAD_NAME,
  REFERENCE_TAG_REQUIRED: BAD_NAME,
  REFERENCE_HOST_REQUIRED: BAD_NAME,
  REFERENCE_TAKEN: FAULT,
  DIGEST_INVALID: [400, 'DIGEST_INVALID', 'the digest is not valid or of no supported algorithm'],
  CHART_NOT_FOUND: [404, 'MANIFEST_UNKNOWN', 'the manifest is not known here'],
  CHART_INVALID: [400, 'MANIFEST_INVALID', 'the chart is not valid'],
  CHART_SOURCE_UNREADABLE: FAULT,
  IGNORE_INVALID: FAULT,
  ARCHIVE_INVALID: FAULT,
  ARCHIVE_UNSAFE: FAULT,
  LIMIT_EXCEEDED: [413, 'SIZE_INVALID', 'the content is larger than this registry takes'],
  EXPORT_BLOCKED: FAULT,
  KEYRING_INVALID: FAULT,
  PROVENANCE_MISSING: FAULT,
  PROVENANCE_INVALID: FAULT,
  BLOB_NOT_FOUND: [404, 'BLOB_UNKNOWN', 'the blob is not known here'],
  BLOB_IN_USE: [405, 'UNSUPPORTED', 'the blob belongs to a manifest; delete that first'],
  BLOB_DIGEST_MISMATCH: [400, 'DIGEST_INVALID', 'the content has another digest'],
  BLOB_SIZE_MISMATCH: [400, 'SIZE_INVALID', 'the content has another size'],
  MANIFEST_NOT_FOUND: [404, 'MANIFEST_UNKNOWN', 'the manifest is not known here'],
  MANIFEST_INVALID: [400, 'MANIFEST_INVALID', 'the manifest is not valid'],
  ARTIFACT_NOT_A_CHART: [400, 'MANIFEST_INVALID', 'the manifest is not valid'],
  REFERRERS_CONFLICT: BAD_GATEWAY,
  LAYOUT_INVALID: FAULT,
  LAYOUT_DAMAGED: FAULT,
  LAYOUT_UNREADABLE: FAULT,
  BUNDLE_INVALID: FAULT,
  BUNDLE_INCOMPLETE: FAULT,
  BUNDLE_UNREADABLE: FAULT,
  BUNDLE_UNWRITABLE: FAULT,
  LAYOUT_LOCKED: [503, 'UNAVAILABLE', 'the storage is busy; try again'],
  LAYOUT_UNWRITABLE: [503, 'UNAVAILABLE', 'the storage cannot be written'],
  DISK_FULL: [507, 'UNAVAILABLE', 'the storage is full'],
  REGISTRY_UNREACHABLE: BAD_GATEWAY,
  REGISTRY_TLS: BAD_GATEWAY,
  REGISTRY_UNAUTHORIZED: BAD_GATEWAY,
  REGISTRY_FORBIDDEN: BAD_GATEWAY,
  REGISTRY_REFUSED: BAD_GATEWAY,
  REGISTRY_PROTOCOL: BAD_GATEWAY,
  REGISTRY_RATE_LIMITED: [429, 'TOOMANYREQUESTS', 'the registry behind this one asks to wait'],
  REPOSITORY_INVALID: BAD_GATEWAY,
  REPOSITORY_NOT_FOUND: BAD_GATEWAY,
  MIRROR_FILE_INVALID: FAULT,
  MIRROR_CONFLICT: FAULT,
  CREDENTIALS_INVALID: BAD_GATEWAY,
  CREDENTIALS_NOT_FOUND: BAD_GATEWAY,
  CREDENTIALS_REJECTED: BAD_GATEWAY,
  CREDENTIALS_HELPER_FAILED: BAD_GATEWAY,
  CREDENTIALS_UNWRITABLE: BAD_GATEWAY,
  CANCELLED: [503, 'UNAVAILABLE', 'the request was given up'],
  OUTPUT_FAILED: [503, 'UNAVAILABLE', 'the request was given up'],
};

/**
 * The answer to any fault: a `Refusal` itself, the table's line for a `ChartError`, else 500 without details.
 *
 * @param reading true for GET and HEAD, where content that turns out to be damaged is content that is not here: whoever
 *   pushes it again then repairs it
 */
export function toRefusal(error: unknown, reading: boolean): Refusal {
  if (error instanceof Refusal) return error;
  if (!isChartError(error)) return refusalOf(FAULT, error);
  if (reading && isDamage(error)) return refusalOf(ANSWERS.MANIFEST_NOT_FOUND, error);
  return refusalOf(ANSWERS[error.code], error);
}

/** True for a fault that says that stored content is not what its name promises. */
export function isDamage(error: unknown): boolean {
  return (
    isChartError(error, 'BLOB_DIGEST_MISMATCH') ||
    isChartError(error, 'BLOB_SIZE_MISMATCH') ||
    isChartError(error, 'MANIFEST_INVALID') ||
    isChartError(error, 'LIMIT_EXCEEDED')
  );
}

function refusalOf([status, code, message]: Answer, cause: unknown): Refusal {
  return new Refusal(status, code, message, { cause, headers: HEADERS[status] });
}
