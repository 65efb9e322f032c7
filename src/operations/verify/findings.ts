/** What a check of the cache finds, and what is to be done about it. */
import type { SurveyedEntry } from '../../layout/layout.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { Digest } from '../../oci/digest.js';

export type FaultKind =
  /** oci-layout is missing or wrong. */
  | 'layout-file'
  /** index.json as a whole. */
  | 'index'
  /** An entry of index.json that makes no sense. */
  | 'entry'
  /** A name that is no reference, or got lost. */
  | 'name'
  /** A name that two entries have. */
  | 'duplicate'
  /** A blob that is not here. */
  | 'missing'
  /** A directory, link or FIFO in place of a blob, or a link in place of a directory. */
  | 'misplaced'
  /** A blob that may not be read. */
  | 'unreadable'
  /** A blob that is whole, but not of the size that somebody says. */
  | 'size'
  /** A blob whose content is not what its name says. */
  | 'content'
  /** A manifest that is called what it is not. */
  | 'media-type'
  /** A manifest that cannot be read, though it is what its digest says. */
  | 'manifest'
  /** A chart by its config, but without the layer of one; or with an archive that cannot be unpacked. */
  | 'chart'
  /** The config tells another name or version than the chart in the layer. */
  | 'config'
  /** Something in blobs/ that is no blob. */
  | 'stray';

/** One thing that is wrong. */
export interface Fault {
  readonly kind: FaultKind;
  /** What it is about: a path within the cache. */
  readonly path: string;
  /** The references that suffer from it, in their order. */
  readonly refs: readonly string[];
  readonly message: string;
  /** What to do, as full sentences. */
  readonly hint: string;
}

/** A fault with what a repair needs to know. */
export interface FoundFault extends Fault {
  /** The entries that suffer from it. */
  readonly entries: readonly SurveyedEntry[];
  /** True if these entries are of no use as long as it is there. */
  readonly isFatal: boolean;
  /** The blob that has to be put back; `manifest` where registries have it as such. */
  readonly blob?: { readonly descriptor: Descriptor; readonly role: BlobRole } | undefined;
  readonly mend?: Mend | undefined;
}

export type BlobRole = 'manifest' | 'blob';

/** What of a fault can be put right with what the cache has. */
export type Mend =
  | { readonly kind: 'layout-file' }
  | { readonly kind: 'index' }
  | { readonly kind: 'rename' }
  | { readonly kind: 'describe'; readonly mediaType: string; readonly size: number }
  /** A config that the chart in the layer gives. */
  | { readonly kind: 'config'; readonly bytes: Uint8Array }
  /** A damaged blob that nobody needs. */
  | { readonly kind: 'discard'; readonly digest: Digest };

/** Something that is no fault, but worth knowing. */
export interface Note {
  readonly kind: 'unreferenced' | 'abandoned' | 'unnamed' | 'incomplete-index' | 'config' | 'writable';
  readonly refs: readonly string[];
  readonly message: string;
}

/** See `verifyCache`. */
export interface VerifyReport {
  /** References that were checked. */
  readonly references: number;
  readonly blobs: number;
  /** Bytes of these. */
  readonly bytes: number;
  readonly faults: readonly Fault[];
  readonly notes: readonly Note[];
}

/** How an entry is named in a report. */
export function entryName({ claimed, position }: Pick<SurveyedEntry, 'claimed' | 'position'>): string {
  return claimed ?? `manifests[${position}]`;
}
