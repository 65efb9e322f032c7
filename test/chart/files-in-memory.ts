import type { ChartFile } from '../../src/chart/files.js';

/** A file's content, or the files of the archive that it is. */
export type Content = string | Uint8Array | Tree;
export interface Tree {
  readonly [path: string]: Content;
}

/**
 * Chart files that exist nowhere else, in the order of the object's keys.
 *
 * @param onRead told of each path that is read or unpacked
 */
export function filesInMemory(tree: Tree, onRead: (path: string) => void = () => {}): ChartFile[] {
  return Object.entries(tree).map(([path, content]) => ({
    path,
    size: isTree(content) ? 0 : Buffer.byteLength(content),
    read: async () => {
      onRead(path);
      if (isTree(content)) throw new Error(`${path} is an archive`);
      return Buffer.from(content);
    },
    unpack: async () => {
      onRead(path);
      if (!isTree(content)) throw new Error(`${path} is no archive`);
      return filesInMemory(content, onRead);
    },
  }));
}

function isTree(content: Content): content is Tree {
  return typeof content !== 'string' && !(content instanceof Uint8Array);
}
