/**
 * Names of manifests: the entries of index.json, see index-json.ts.
 *
 *     registry.example.com/team/app:1.0              what `save`, `pull`, `tag` and a push to `serve` make
 *     registry.example.com/team/app@sha256:0d3a...   a manifest that was written without a tag; gone as soon as another
 *                                                    entry of that repository leads to it
 *
 * A name is given only to a manifest that is here with its config and layers, which is made sure of under the lock: prune
 * deletes under the same lock.
 */
import { ChartError } from '../errors.js';
import { type Descriptor, plainDescriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { digestAlgorithm } from '../oci/digest.js';
import { successors } from '../oci/manifest.js';
import { splitName } from '../oci/reference.js';
import type { CallOptions } from '../oci/target.js';
import { findBlob, readSmall } from './blobs.js';
import type { LayoutContext } from './context.js';
import { syncDirectory } from './durable.js';
import { isForHelm } from './helm-names.js';
import type { IndexEdit } from './index-edit.js';
import type { IndexEntry } from './index-json.js';
import { parseKnown, requiredBlobs } from './manifest-facts.js';
import { blobPath, blobsDir } from './paths.js';
import { readRelied, recover } from './trash.js';

export interface NamedDescriptor {
  /** The full reference, such as `registry.example.com/team/app:1.0`. */
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Leave the name to what else has it by then: to be seen in what `tagAll` returns. */
  readonly ifFree?: boolean | undefined;
}

/** A manifest about to get a name, and what depends on it. */
export interface PreparedName extends NamedDescriptor {
  readonly isForHelm: boolean;
  /** All that must be here. */
  readonly required: readonly Descriptor[];
  /** All that the process need not rely on by itself once an entry leads there. */
  readonly settled: readonly Digest[];
  /** Names that this one makes superfluous. */
  readonly superseded: readonly string[];
}

/**
 * Names manifests that are here, all in one write of index.json. A name that exists is pointed at the new manifest, but for one with
 * `ifFree`.
 *
 * @returns for each what the name stood for before
 * @throws ChartError `BLOB_NOT_FOUND`, `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH` if something of a manifest is not here or
 *   damaged, `MANIFEST_INVALID`, `LAYOUT_LOCKED`, `DISK_FULL`, ...; then none is named
 */
export async function tagAll(
  context: LayoutContext,
  items: readonly NamedDescriptor[],
  { signal }: CallOptions = {},
): Promise<(IndexEntry | undefined)[]> {
  const prepared: PreparedName[] = [];
  for (const item of items) {
    const { descriptor } = item;
    const bytes = await readRelied(context, descriptor.digest, () => readSmall(context.dir, descriptor));
    prepared.push(prepareName(item, bytes));
  }
  await syncBlobs(context, prepared);
  const previous = await context.updates.update((edit) => putNames(context, edit, prepared), signal);
  for (const { settled } of prepared) context.workspace.settle(settled);
  return previous;
}

/** Removes names, all in one write. Blobs stay until prune. @returns for each the entry that had it, if any had */
export async function untagAll(
  { updates }: LayoutContext,
  names: readonly string[],
  { signal }: CallOptions = {},
): Promise<(IndexEntry | undefined)[]> {
  return updates.update((edit) => {
    const found = names.map((name) => edit.find(name));
    for (const name of names) edit.remove(name);
    return found;
  }, signal);
}

/** @param bytes the manifest, compared with its digest. @throws ChartError `MANIFEST_INVALID` */
export function prepareName({ name, descriptor, ifFree }: NamedDescriptor, bytes: Uint8Array): PreparedName {
  if (name === '') throw new Error('a name in index.json is not empty');
  const manifest = parseKnown(bytes, descriptor.mediaType);
  const { repository } = splitName(name);
  const children = manifest?.kind === 'index' ? manifest.manifests : [];
  const led = [descriptor, ...children].map(({ digest }) => `${repository}@${digest}`);
  return {
    name,
    descriptor: plainDescriptor(descriptor),
    ifFree,
    isForHelm: isForHelm(name, manifest),
    required: [descriptor, ...requiredBlobs(manifest)],
    settled: [descriptor.digest, ...(manifest ? successors(manifest).map(({ digest }) => digest) : [])],
    superseded: led.filter((other) => other !== name),
  };
}

/** @throws ChartError `BLOB_NOT_FOUND`, `BLOB_SIZE_MISMATCH`; nothing is changed then */
export function putNames(
  { dir }: LayoutContext,
  edit: IndexEdit,
  prepared: readonly PreparedName[],
): (IndexEntry | undefined)[] {
  for (const { name, required } of prepared) assertHere(dir, name, required);
  return prepared.map(({ name, descriptor, ifFree, isForHelm, superseded }) => {
    const previous = edit.find(name);
    // An entry without a descriptor is broken, and stands for nothing.
    if (ifFree && previous?.descriptor && previous.descriptor.digest !== descriptor.digest) return previous;
    edit.put(name, descriptor, isForHelm);
    for (const other of superseded) if (edit.has(other)) edit.remove(other);
    return previous;
  });
}

/** Makes the names of the blobs last before anything refers to them, whichever process gave them. */
export async function syncBlobs({ dir, fsync }: LayoutContext, prepared: readonly PreparedName[]): Promise<void> {
  if (!fsync || prepared.length === 0) return;
  const required = prepared.flatMap((item) => item.required);
  const algorithms = new Set(required.map(({ digest }) => digestAlgorithm(digest)));
  for (const algorithm of algorithms) await syncDirectory(blobsDir(dir, algorithm));
}

function assertHere(dir: string, name: string, required: readonly Descriptor[]): void {
  for (const { digest, size } of required) {
    let found = findBlob(dir, digest);
    if (found === undefined && recover(dir, digest)) found = findBlob(dir, digest);
    if (found?.size === size) continue;
    const problem = found
      ? `has ${found.size} bytes instead of ${size}`
      : `expected at ${blobPath(dir, digest)}: not found`;
    throw new ChartError(found ? 'BLOB_SIZE_MISMATCH' : 'BLOB_NOT_FOUND', `blob ${digest} ${problem}`, {
      hint: `${name} was not changed. Save or pull the chart again.`,
    });
  }
}
