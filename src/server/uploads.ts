/**
 * Blobs on their way in.
 *
 *     POST   /v2/NAME/blobs/uploads/                       202  opens an upload
 *     POST   /v2/NAME/blobs/uploads/?digest=D              201  the whole blob in one request
 *     POST   /v2/NAME/blobs/uploads/?mount=D&from=OTHER    201  a blob that is here already, else 202
 *     PATCH  .../ID     with or without Content-Range      202  the next piece
 *     PUT    .../ID?digest=D                               201  the last piece, or none, and the end
 *     GET    .../ID                                        204  how far it is
 *     DELETE .../ID                                        204  gives it up
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
import { isChartError } from '../errors.js';
import { type Digest, type DigestAlgorithm, digestAlgorithm } from '../oci/digest.js';
import type { BlobUpload } from '../oci/target.js';
import { announcedLength, ignoreBody, openBody } from './bodies.js';
import { Refusal } from './errors.js';
import { answer, digestFrom, type Endpoints, type Exchange, queryOf } from './exchange.js';
import { isName, readNamed, repositoryToWrite } from './names.js';
import type { Route } from './routes.js';
import type { UploadUse } from './upload-sessions.js';

export const uploadsEndpoints: Endpoints = { POST: startUpload };
export const uploadEndpoints: Endpoints = {
  GET: showUpload,
  HEAD: showUpload,
  PATCH: continueUpload,
  PUT: finishUpload,
  DELETE: cancelUpload,
};

async function startUpload(exchange: Exchange, route: Route): Promise<void> {
  const { uploads, names } = exchange;
  repositoryToWrite(names, route.name);
  const query = queryOf(exchange);
  const mount = query.get('mount');
  if (mount !== null && (await mountBlob(exchange, route, digestFrom(mount), query.get('from')))) return;
  const wanted = query.get('digest');
  if (wanted !== null && mount === null) return receiveWhole(exchange, route, digestFrom(wanted));
  const algorithm = algorithmFrom(query.get('digest-algorithm'));
  ignoreBody(exchange);
  const upload = await uploads.start(route.name, algorithm);
  answerProgress(exchange, route, upload, 202);
}

/** Answers 201 if the blob can be had without an upload. */
async function mountBlob(exchange: Exchange, route: Route, digest: Digest, from: string | null): Promise<boolean> {
  if (from !== null && !isName(from)) return false;
  const source = await readNamed(exchange.names, from ?? route.name, async (other) => {
    const size = await other.statBlob(digest);
    return size === undefined ? undefined : { repository: other, size };
  });
  if (source === undefined) return false;
  const descriptor = { mediaType: 'application/octet-stream', digest, size: source.size };
  await repositoryToWrite(exchange.names, route.name).writeBlob(descriptor, () =>
    source.repository.readBlob(descriptor),
  );
  ignoreBody(exchange);
  answerStored(exchange, route.name, digest);
  return true;
}

async function receiveWhole(exchange: Exchange, route: Route, digest: Digest): Promise<void> {
  const { uploads, limits } = exchange;
  const { id } = await uploads.start(route.name, digestAlgorithm(digest));
  await uploads.use(route.name, id, async ({ upload }) => {
    try {
      await upload.append(openBody(exchange, limits.blob));
      await upload.commit(digest);
    } catch (error) {
      await upload.abort();
      throw error;
    } finally {
      uploads.end(id);
    }
  });
  answerStored(exchange, route.name, digest);
}

function continueUpload(exchange: Exchange, route: Route): Promise<void> {
  const work = async (use: UploadUse) => {
    await receivePiece(exchange, route, use);
    answerProgress(exchange, route, use.upload, 202);
  };
  return exchange.uploads.use(route.name, route.last, work, { goesOn: goesOn(exchange) });
}

async function finishUpload(exchange: Exchange, route: Route): Promise<void> {
  const { uploads } = exchange;
  const digest = digestFrom(queryOf(exchange).get('digest') ?? '');
  const work = async (use: UploadUse) => {
    const { upload } = use;
    if (announcedLength(exchange.request) !== 0) await receivePiece(exchange, route, use);
    try {
      await upload.commit(digest);
    } catch (error) {
      if (isChartError(error, 'BLOB_DIGEST_MISMATCH')) {
        uploads.end(upload.id);
        await upload.abort();
      }
      throw error;
    }
    uploads.end(upload.id);
  };
  await uploads.use(route.name, route.last, work, { goesOn: goesOn(exchange) });
  answerStored(exchange, route.name, digest);
}

function showUpload(exchange: Exchange, route: Route): Promise<void> {
  const work = ({ upload }: UploadUse) => answerProgress(exchange, route, upload, 204);
  return exchange.uploads.use(route.name, route.last, work, { isLooking: true });
}

function cancelUpload(exchange: Exchange, route: Route): Promise<void> {
  const { uploads } = exchange;
  const work = async ({ upload }: UploadUse) => {
    await upload.abort();
    uploads.end(upload.id);
    answer(exchange, 204, {});
  };
  return uploads.use(route.name, route.last, work, { goesOn: () => true });
}

/**
 * Appends the request's body, which has to begin where the upload ends. A PUT without `Content-Range` is received as a whole: who sends one
 * that broke off once more sends all of it, and does not ask how far it came.
 */
async function receivePiece(exchange: Exchange, route: Route, { upload, signal, progress }: UploadUse): Promise<void> {
  const { request, limits, method } = exchange;
  const length = announcedLength(request);
  const range = contentRange(request);
  const before = upload.size;
  let wanted = length;
  if (range !== undefined) {
    if (range.first !== before || !(range.last >= range.first)) {
      throw new Refusal(416, 'BLOB_UPLOAD_INVALID', `the next piece begins at byte ${before}`, {
        headers: progressHeaders(route, upload),
      });
    }
    wanted = range.last - range.first + 1;
    if (length !== undefined && length !== wanted) throw wrongSize();
  }
  const left = limits.blob - before;
  const body = openBody(exchange, wanted === undefined ? left : Math.min(left, wanted));
  progress();
  request.on('data', () => progress());
  request.once('end', () => progress(true));
  await upload.append(body, { signal, isWhole: method === 'PUT' && range === undefined });
  if (wanted !== undefined && upload.size - before !== wanted) throw wrongSize();
}

/** Undefined where there is none; NaN in what is none. */
function contentRange({ headers }: Exchange['request']): { readonly first: number; readonly last: number } | undefined {
  const text = headers['content-range'];
  if (text === undefined) return undefined;
  const [, first = Number.NaN, last = Number.NaN] = /^(?:bytes )?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(text) ?? [];
  return { first: Number(first), last: Number(last) };
}

/** Only who has asked how far an upload is, can say so. */
function goesOn({ request }: Exchange): (upload: BlobUpload) => boolean {
  const range = contentRange(request);
  return (upload) => range !== undefined && range.first > 0 && range.first === upload.size;
}

function algorithmFrom(text: string | null): DigestAlgorithm | undefined {
  if (text === null || text === 'sha256' || text === 'sha512') return text ?? undefined;
  throw new Refusal(400, 'DIGEST_INVALID', 'the digest algorithm is not supported; sha256 and sha512 are');
}

function wrongSize(): Refusal {
  return new Refusal(400, 'SIZE_INVALID', 'the piece does not have the length that its Content-Range says');
}

function answerProgress(exchange: Exchange, route: Route, upload: BlobUpload, status: 202 | 204): void {
  answer(exchange, status, { ...progressHeaders(route, upload), 'Docker-Upload-UUID': upload.id });
}

/** `Range` is of the last byte's position, so that an upload without any says `0-0` like one with a single byte. */
function progressHeaders({ name }: Route, upload: BlobUpload): Record<string, string> {
  return { Location: `/v2/${name}/blobs/uploads/${upload.id}`, Range: `0-${Math.max(upload.size - 1, 0)}` };
}

function answerStored(exchange: Exchange, name: string, digest: Digest): void {
  answer(exchange, 201, { Location: `/v2/${name}/blobs/${digest}`, 'Docker-Content-Digest': digest });
}
