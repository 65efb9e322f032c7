/**
 * What `list` found out about charts before, so that it need not read two files for each of ten thousand.
 *
 *     sha256:MANIFEST  STAMP  sha256:LAYER  SIZE  "web"  "1.2.3"      a line each, with tabs
 *
 * A line holds for content, which cannot change under its digest, and only as long as the file of the manifest is the one that was
 * read and compared with its digest then. Whether the layer is there, how large it is and when it came is asked of the disk each
 * time. The config is not looked at again: where it is damaged, name and version come from the layer, and are the same.
 */
import type { DerivedFile, Layout } from '../layout/layout.js';
import { type Digest, isDigest } from '../oci/digest.js';

const FILE: DerivedFile = { name: 'list-cache', kind: 'chart-list-1' };
/** Charts up to which reading them takes no longer than reading what is known. */
const FEW = 200;
/** New charts from which on writing them down is worth it. */
const ENOUGH = 50;

/** What is known of a chart by its manifest's digest. */
export interface KnownChart {
  readonly layer: Digest;
  /** Bytes that the layer should have. */
  readonly size: number;
  readonly name: string;
  readonly version: string;
}

export class ListCache {
  readonly #layout: Layout;
  readonly #isWorthIt: boolean;
  readonly #lines: ReadonlyMap<string, string>;
  readonly #used = new Map<Digest, string>();
  #fresh = 0;

  /** @param count how many charts are going to be asked about */
  constructor(layout: Layout, count: number) {
    this.#layout = layout;
    this.#isWorthIt = count >= FEW;
    this.#lines = this.#isWorthIt ? readLines(layout) : new Map();
  }

  /** Undefined where nothing is known, or the files are not those that it was learnt from. */
  find(manifest: Digest): KnownChart | undefined {
    const line = this.#lines.get(manifest);
    const known = line === undefined ? undefined : parseLine(line);
    if (line === undefined || known === undefined) return undefined;
    if (this.#layout.blobStamp(manifest) !== known.stamp) return undefined;
    this.#used.set(manifest, line);
    return known;
  }

  /**
   * Notes what was read just now.
   *
   * @param stamp of the manifest's file, from before it was read
   */
  add(manifest: Digest, stamp: string | undefined, { layer, size, name, version }: KnownChart): void {
    if (stamp === undefined) return;
    const line = [manifest, stamp, layer, size, JSON.stringify(name), JSON.stringify(version)].join('\t');
    this.#used.set(manifest, line);
    this.#fresh += 1;
  }

  /** Writes down what is known of the charts of this run and, unless these are all that there are, of the others. */
  async keep(isAll: boolean): Promise<void> {
    if (!this.#isWorthIt || this.#fresh < ENOUGH) return;
    const lines = isAll ? this.#used : new Map([...this.#lines, ...this.#used]);
    await this.#layout.writeDerived(FILE, [...lines.values()].join('\n'));
  }
}

/** Lines by the digest that each begins with; what is in them is looked at when it is wanted. */
function readLines(layout: Layout): Map<string, string> {
  const lines = (layout.readDerived(FILE) ?? '').split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('\t')), line]));
}

/** @returns undefined for a line that this program did not write */
function parseLine(line: string): (KnownChart & { readonly stamp: string | undefined }) | undefined {
  const [, stamp, layer = '', sizeText, nameText = '', versionText = ''] = line.split('\t');
  const [name, version, size] = [parseText(nameText), parseText(versionText), Number(sizeText)];
  if (!isDigest(layer) || !Number.isSafeInteger(size) || name === undefined || version === undefined) return undefined;
  return { stamp, layer, size, name, version };
}

function parseText(json: string): string | undefined {
  try {
    const text: unknown = JSON.parse(json);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
