/**
 * A bundle file as something to read from by digest, for copies out of it. A compressed one is unpacked into a temporary file first; a
 * plain .tar is read where it lies.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ChartError, throwIfCancelled } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, isDigest } from '../oci/digest.js';
import { checkBytes, MANIFEST_LIMIT, type RawManifest } from '../oci/manifest.js';
import { splitName, wireTag } from '../oci/reference.js';
import { describeReferrer } from '../oci/referrers.js';
import type { CallOptions, ReadBlobOptions, Repository, Target } from '../oci/target.js';
import type { BundledItem } from './content.js';
import { type BundleInput, fileInput, reading } from './input.js';
import { itemsOf } from './items.js';
import { type BundleSurvey, surveyBundle } from './survey.js';

/** A bundle that is open, to be read only; the repositories are those of its references. */
export interface OpenBundle extends Target {
  readonly items: readonly BundledItem[];
  /** Gives up the file, and the temporary one. */
  close(): Promise<void>;
}

/**
 * Goes through the bundle once, hashing every blob. What is damaged is found when it is asked for.
 *
 * @throws ChartError `BUNDLE_INVALID`, `BUNDLE_UNREADABLE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `CANCELLED`
 *
 * @example
 * ```ts
 * import { copy, openBundle, openLayout, planBundles, saveChart, writeBundles } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const { plans } = await planBundles({ layout }, { refs: [ref] });
 * await writeBundles({ layout }, plans, 'charts.tar');
 * const bundle = await openBundle('charts.tar');
 * const other = openLayout('./other');
 * const name = 'registry.example.com/team/app';
 * await copy(bundle.repository(name), other.repository(name), '1.0.0', { tag: '1.0.0' });
 * console.log((await other.readIndex()).length); // 1
 * await bundle.close();
 * await layout.close();
 * await other.close();
 * ```
 */
export async function openBundle(path: string, { signal }: CallOptions = {}): Promise<OpenBundle> {
  const input = fileInput(path);
  const plain = await isPlain(input);
  const temporary = plain ? undefined : join(tmpdir(), `chart-bundle-${randomUUID()}.tar`);
  const file = await open(temporary ?? path, temporary ? 'wx+' : 'r', 0o600);
  const close = async (): Promise<void> => {
    await file.close();
    if (temporary) await rm(temporary, { force: true });
  };
  try {
    const onBytes = temporary ? async (bytes: Buffer) => void (await file.write(bytes)) : undefined;
    const survey = await reading(input, () => surveyBundle(input.open(), { hash: true, signal, onBytes }));
    return new BundleFile(file, survey, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its index comes before its blobs: what is to be in it must be known when it is written. */
function refuse(): Promise<never> {
  return Promise.reject(new ChartError('BUNDLE_UNWRITABLE', 'a bundle is written whole, and only read afterwards'));
}

async function isPlain(input: BundleInput): Promise<boolean> {
  return reading(input, async () => {
    for await (const chunk of createReadStream(input.label, { end: 5 })) {
      const magic = (chunk as Buffer).toString('hex', 0, 4);
      return !magic.startsWith('1f8b') && magic !== '28b52ffd';
    }
    return true;
  });
}

class BundleFile implements OpenBundle {
  readonly items: readonly BundledItem[];
  readonly close: () => Promise<void>;
  readonly #file: FileHandle;
  readonly #survey: BundleSurvey;

  constructor(file: FileHandle, survey: BundleSurvey, close: () => Promise<void>) {
    this.#file = file;
    this.#survey = survey;
    this.close = close;
    this.items = itemsOf(survey).items;
  }

  async *listRepositories(): AsyncIterable<string> {
    yield* new Set(this.items.map(({ ref }) => splitName(ref).repository));
  }

  repository(name: string): Repository {
    const own = this.items.filter(({ ref }) => splitName(ref).repository === name);
    const resolve = (reference: string): Descriptor => this.#resolve(name, own, reference);
    return {
      name,
      resolve: async (reference) => resolve(reference),
      readManifest: async (reference) => this.#readManifest(resolve(reference)),
      readBlob: async (blob, options) => this.#readBlob(blob, options),
      statBlob: async (digest) => this.#blob(digest)?.size,
      listTags: async function* () {
        for (const { ref } of own) if (!isDigest(splitName(ref).tag)) yield splitName(ref).tag;
      },
      listReferrers: async (subject) => this.#referrers(subject),
      writeBlob: refuse,
      writeManifest: refuse,
      deleteTag: refuse,
      deleteManifest: refuse,
      deleteBlob: refuse,
    };
  }

  #resolve(name: string, own: readonly BundledItem[], reference: string): Descriptor {
    if (!isDigest(reference)) {
      const item =
        own.find(({ ref }) => splitName(ref).tag === reference) ??
        own.find(({ ref }) => wireTag(splitName(ref).tag) === wireTag(reference));
      if (item) return item.descriptor;
    } else {
      const named = this.items
        .flatMap(({ descriptor, referrers }) => [descriptor, ...referrers])
        .find(({ digest }) => digest === reference);
      const manifest = this.#survey.manifests.get(reference);
      const blob = this.#blob(reference);
      if (named) return named;
      if (manifest && blob) return { mediaType: manifest.mediaType, digest: reference, size: blob.size };
    }
    throw new ChartError(
      'MANIFEST_NOT_FOUND',
      `${name}${isDigest(reference) ? '@' : ':'}${reference}: not found in the bundle`,
    );
  }

  async #readManifest(descriptor: Descriptor): Promise<RawManifest> {
    if (descriptor.size > MANIFEST_LIMIT) {
      throw new ChartError('LIMIT_EXCEEDED', `manifest ${descriptor.digest} has ${descriptor.size} bytes`);
    }
    const pieces: Buffer[] = [];
    for await (const piece of this.#readBlob(descriptor)) pieces.push(piece as Buffer);
    const bytes = Buffer.concat(pieces);
    checkBytes(bytes, descriptor, 'manifest');
    return { descriptor, bytes };
  }

  /** Undefined for one that is not here, or that is not what its name says. */
  #blob(digest: Digest): { readonly size: number; readonly offset: number } | undefined {
    const blob = this.#survey.blobs.get(digest);
    return blob?.found === digest ? blob : undefined;
  }

  #readBlob({ digest }: Descriptor, { start = 0, end, signal }: ReadBlobOptions = {}): Readable {
    const blob = this.#blob(digest);
    if (!blob) {
      throw new ChartError('BLOB_NOT_FOUND', `blob ${digest} is not in the bundle`, {
        hint: 'A bundle that was made with --since holds only what the older one did not have; unbundle both, and copy from the cache.',
      });
    }
    const last = Math.min(end ?? blob.size - 1, blob.size - 1);
    if (last < start) return Readable.from([], { objectMode: false });
    return Readable.from(rangeOf(this.#file, blob.offset + start, blob.offset + last, signal), { objectMode: false });
  }

  async #referrers(subject: Digest): Promise<readonly Descriptor[]> {
    const found: Descriptor[] = [];
    for (const [digest, manifest] of this.#survey.manifests) {
      if (manifest.subject?.digest !== subject) continue;
      const raw = await this.#readManifest(this.#resolve('', [], digest));
      found.push(describeReferrer(raw, manifest));
    }
    return found;
  }
}

const PIECE = 256 * 1024;

/** Bytes of a file, the last one included. A read stream of the file would stay known to it until it is closed, one for each blob. */
async function* rangeOf(
  file: FileHandle,
  first: number,
  last: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, void> {
  for (let at = first; at <= last; ) {
    throwIfCancelled(signal);
    const size = Math.min(PIECE, last - at + 1);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, at);
    // What has become shorter meanwhile is told by whoever counts and hashes.
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
