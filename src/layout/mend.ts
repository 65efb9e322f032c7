/**
 * Putting right what `survey` and who reads the blobs have found, as far as the cache itself has all that is needed. Nothing
 * is lost by it: what is taken away is held elsewhere, or holds nothing.
 */
import { chmodSync, closeSync, lstatSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { ChartError, isChartError, systemErrorCode } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { type Digest, Digester, digestAlgorithm } from '../oci/digest.js';
import { ANNOTATION_REF_NAME } from '../oci/media-types.js';
import { splitName } from '../oci/reference.js';
import type { CallOptions } from '../oci/target.js';
import { openBlob } from './blob-stream.js';
import { hashFile, openBlobFile } from './blobs.js';
import type { LayoutContext } from './context.js';
import { writeFault, writing } from './faults.js';
import type { IndexEdit } from './index-edit.js';
import { ANNOTATION_HIDDEN_NAME, claimedDigest } from './index-json.js';
import { BLOB_MODE, place } from './ingest.js';
import { checkLayoutFile, hasOtherVersion } from './layout-file.js';
import { assertOwnDirectories } from './own-directories.js';
import { blobPath, layoutFilePath } from './paths.js';
import { receive } from './receive.js';
import type { SurveyedEntry } from './survey.js';

/** A change to one entry of index.json, which is not made if the entry is another by then. */
export type EntryMend =
  /** Says of the manifest what is true of it. */
  | { readonly kind: 'describe'; readonly entry: SurveyedEntry; readonly mediaType: string; readonly size: number }
  /** Another entry has the name: this one gets the name `REPOSITORY@DIGEST`, or goes where its manifest has a name anyway. */
  | { readonly kind: 'rename'; readonly entry: SurveyedEntry }
  /** Removes the entry. */
  | { readonly kind: 'drop'; readonly entry: SurveyedEntry };

/**
 * Changes entries in one write, and puts index.json into its form.
 *
 * @returns for each whether it was made
 * @throws ChartError `LAYOUT_LOCKED`, `LAYOUT_UNWRITABLE`, `DISK_FULL`
 */
export function mendIndex(
  { updates }: LayoutContext,
  mends: readonly EntryMend[],
  { signal }: CallOptions = {},
): Promise<boolean[]> {
  return updates.update((edit) => {
    // Positions are true only until the first is removed, which happens in the end.
    const positions = mends.map(({ entry }) => edit.positionOf(entry.raw, entry.position));
    return mends.map((mend, item) => {
      const position = positions[item];
      if (position === undefined) return false;
      applyMend(edit, mend, position);
      return true;
    });
  }, signal);
}

function applyMend(edit: IndexEdit, mend: EntryMend, position: number): void {
  const { raw } = mend.entry;
  if (mend.kind === 'describe' && isRecord(raw)) {
    edit.replaceAt(position, { ...raw, mediaType: mend.mediaType, size: mend.size });
    return;
  }
  const digest = mend.kind === 'rename' ? claimedDigest(raw) : undefined;
  const { repository } = splitName(mend.entry.claimed ?? '');
  const isNamed = digest !== undefined && edit.withDigest(digest, repository).some((other) => other !== position);
  if (digest === undefined || isNamed || !isRecord(raw)) {
    edit.removeAt(position);
    return;
  }
  const { [ANNOTATION_REF_NAME]: _, ...others } = isRecord(raw.annotations) ? raw.annotations : {};
  const annotations = { ...others, [ANNOTATION_HIDDEN_NAME]: `${repository}@${digest}` };
  edit.replaceAt(position, { ...raw, annotations });
}

/** Writes oci-layout where it is missing, is no file, or has no sense. Leaves a version that is not known here. */
export async function mendLayoutFile({ dir, prepare }: LayoutContext): Promise<void> {
  const path = layoutFilePath(dir);
  try {
    checkLayoutFile(dir);
  } catch (error) {
    if (!isChartError(error, 'LAYOUT_INVALID') || hasOtherVersion(dir)) throw error;
    writing(path, () => (lstatSync(path).isDirectory() ? rmdirSync(path) : unlinkSync(path)));
  }
  await prepare();
}

/**
 * Has a regular file that can be read under the name of a blob, if it only takes another mode, or the content that a link leads
 * to. What holds nothing (a FIFO, a link to elsewhere, an empty directory) is taken away.
 *
 * @returns true if the blob is there now, with its content
 * @throws ChartError `LAYOUT_INVALID`, `LAYOUT_UNWRITABLE`, `DISK_FULL`
 */
export async function mendBlobFile(context: LayoutContext, digest: Digest, signal?: AbortSignal): Promise<boolean> {
  const { dir } = context;
  assertOwnDirectories(dir);
  const path = blobPath(dir, digest);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (stats.isFile()) {
    writing(path, () => chmodSync(path, BLOB_MODE));
    return hasContent(dir, digest, signal);
  }
  if (stats.isSymbolicLink() && (await hasContent(dir, digest, signal))) {
    await replaceLink(context, digest, signal);
    return true;
  }
  try {
    if (stats.isDirectory()) rmdirSync(path);
    else rmSync(path);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw notEmpty(path, error);
    throw writeFault(error, path);
  }
  return false;
}

function notEmpty(path: string, cause: unknown): ChartError {
  return new ChartError('LAYOUT_INVALID', `${path} is a directory with something in it`, {
    hint: 'Look what it is, and move it away.',
    cause,
  });
}

async function hasContent(dir: string, digest: Digest, signal?: AbortSignal): Promise<boolean> {
  try {
    const fd = openBlobFile(blobPath(dir, digest), digest);
    const digester = new Digester(digestAlgorithm(digest));
    await hashFile(fd, digester, signal).finally(() => closeSync(fd));
    return digester.digest() === digest;
  } catch (error) {
    if (isChartError(error, 'CANCELLED')) throw error;
    return false;
  }
}

async function replaceLink(context: LayoutContext, digest: Digest, signal?: AbortSignal): Promise<void> {
  await context.prepare();
  const file = context.workspace.createFile(BLOB_MODE);
  try {
    const digester = new Digester(digestAlgorithm(digest));
    await receive(openBlob(context.dir, digest), file, digester, { signal, writeBack: context.writeBack });
    if (digester.digest() === digest) await place(context, file, digest);
  } finally {
    file.discard();
  }
}
