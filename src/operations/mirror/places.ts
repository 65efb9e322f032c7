/** Where in a YAML text something stands. */
import { type Document, isMap, isPair, isScalar, type LineCounter, type Node } from 'yaml';

/** Of a value: `['charts', 0, 'name']`. */
export type Path = readonly (string | number)[];

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Places {
  at(offset: number): Place;
  /** Of a value, or of its key; of what is missing, where it should be. */
  find(path: Path, ofKey?: boolean): Place;
  /** The value as it is written; undefined for what is not a plain value. */
  written(path: Path): string | undefined;
}

export function placesOf(document: Document, lines: LineCounter): Places {
  return {
    at: (offset) => placeAt(lines, offset),
    find: (path, ofKey = false) => placeAt(lines, offsetOf(document, path, ofKey)),
    written(path) {
      const node = document.getIn(path, true);
      return isScalar(node) ? (node.source ?? String(node.value)) : undefined;
    },
  };
}

/** The path that a JSON pointer stands for: `/charts/0/name`. */
export function pathOf(pointer: string, value: unknown): Path {
  const path: (string | number)[] = [];
  let at = value;
  for (const part of pointer
    .split('/')
    .slice(1)
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    path.push(Array.isArray(at) ? Number(part) : part);
    at = (at as Record<string, unknown>)[part];
  }
  return path;
}

function offsetOf(document: Document, path: Path, ofKey: boolean): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      const key = pair?.key as Node | undefined;
      const value = pair?.value as Node | null | undefined;
      offset = (ofKey && depth === path.length - 1 ? key : (value ?? key))?.range?.[0] ?? offset;
      node = value ?? null;
    } else {
      node =
        ((node as { get?: (key: unknown, keep: boolean) => unknown } | null)?.get?.(part, true) as Node | undefined) ??
        null;
      offset = node?.range?.[0] ?? offset;
    }
  }
  return offset;
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
