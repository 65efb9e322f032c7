/**
 * Typed values from YAML, as `sigs.k8s.io/yaml` makes them for Go: YAML is turned into JSON, where a number or boolean
 * becomes a string if the field wants one, and that JSON is decoded into a struct. Keys match without regard to case; they
 * are taken in byte order, so that of `Name` and `name` the latter wins.
 */

import { compareBytes } from '../byte-order.js';
import { ContentError } from '../content-error.js';
import { readYaml, type YamlValue } from '../yaml/values.js';
import { formatFloat } from './format.js';

/** A Go type: how YAML becomes a value of it, and its name in messages. */
export type Shape = PlainShape | CheckedShape | ListShape | MapShape | StructShape;

export interface PlainShape {
  /** `unread`: it has to be sound, but its value is not wanted. */
  readonly kind: 'string' | 'bool' | 'any' | 'unread';
  readonly type: string;
}

export interface CheckedShape {
  readonly kind: 'checked';
  readonly type: string;
  /** @throws ContentError */
  readonly check: (value: YamlValue) => void;
}

export interface ListShape {
  readonly kind: 'list';
  readonly type: string;
  readonly item: Shape;
  /** A null among the items stays one. */
  readonly nullable?: boolean;
}

export interface MapShape {
  readonly kind: 'map';
  readonly type: string;
  readonly item: Shape;
}

export interface StructShape {
  readonly kind: 'struct';
  readonly type: string;
  /** In Go's order. */
  readonly fields: Readonly<Record<string, Shape>>;
  /** Fields that are written even if they are empty. */
  readonly always?: readonly string[];
}

/**
 * Decodes into what is there already, as Go does: fields that the value does not name keep what they have, and so do those of
 * list items at the same place.
 *
 * @param current what an earlier document gave for this shape
 * @returns for a struct an object with the fields that were given, for a map a Map, for `any` what JSON.parse would give
 * @throws ContentError in Go's words; of several faults the one that Go reports
 */
export function decodeYaml(bytes: Uint8Array, shape: Shape, current?: unknown): unknown {
  const { value } = explained('error converting YAML to JSON', () => {
    const document = readYaml(bytes);
    const unsupported = document.finite ? undefined : findNonFinite(shape, document.value);
    if (unsupported !== undefined) throw new ContentError(`json: unsupported value: ${unsupported}`);
    return document;
  });
  return explained('error unmarshaling JSON: while decoding JSON', () => {
    const decoder = new Decoder();
    const result = decoder.decode(shape, value, current, []);
    if (decoder.firstFault !== undefined) throw decoder.firstFault;
    return result;
  });
}

function explained<T>(context: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (!(cause instanceof ContentError)) throw cause;
    throw new ContentError(`${context}: ${cause.message}`, { cause });
  }
}

class Decoder {
  firstFault: ContentError | undefined;
  /** The innermost struct. */
  #struct = '';

  /** @param path fields, from the outermost struct on */
  decode(shape: Shape, value: YamlValue, current: unknown, path: readonly string[]): unknown {
    switch (shape.kind) {
      case 'unread':
        return current;
      case 'any':
        return toJson(value);
      case 'checked':
        if (value !== null) shape.check(value);
        return current;
      case 'string':
        if (value === null) return current;
        if (!isCollection(value)) return toText(value);
        break;
      case 'bool':
        if (value === null) return current;
        if (typeof value === 'boolean') return value;
        break;
      case 'list':
        if (value === null) return undefined;
        if (Array.isArray(value)) return this.#list(shape, value, (current ?? []) as unknown[], path);
        break;
      case 'map':
        if (value === null) return undefined;
        if (value instanceof Map) return this.#map(shape, value, current as Map<string, unknown> | undefined, path);
        break;
      case 'struct':
        if (value === null) return current;
        if (value instanceof Map) return this.#fields(shape, value, current as object | undefined, path);
        break;
    }
    const into = path.length === 0 ? 'value' : `struct field ${this.#struct}.${path.join('.')}`;
    const problem = `json: cannot unmarshal ${jsonKind(value)} into Go ${into} of type ${shape.type}`;
    this.firstFault ??= new ContentError(problem);
    return current;
  }

  #list(shape: ListShape, values: YamlValue[], current: unknown[], path: readonly string[]): unknown[] {
    return values.map((value, i) => {
      if (value === null && shape.nullable) return null;
      return this.decode(shape.item, value, current[i] ?? undefined, path) ?? zero(shape.item);
    });
  }

  #map(
    shape: MapShape,
    values: Map<string, YamlValue>,
    current: ReadonlyMap<string, unknown> | undefined,
    path: readonly string[],
  ): Map<string, unknown> {
    const result = new Map(current);
    if (shape.item.kind === 'unread') return result;
    for (const [key, value] of sorted(values)) {
      result.set(key, this.decode(shape.item, value, undefined, path) ?? zero(shape.item));
    }
    return result;
  }

  #fields(
    shape: StructShape,
    values: Map<string, YamlValue>,
    current: object | undefined,
    path: readonly string[],
  ): Record<string, unknown> {
    const result: Record<string, unknown> = { ...current };
    const outer = this.#struct;
    for (const [key, value] of sorted(values)) {
      const field = findField(shape, key);
      if (field === undefined) continue;
      this.#struct = shape.type.slice(shape.type.lastIndexOf('.') + 1);
      result[field] = this.decode(shape.fields[field]!, value, result[field], [...path, field]);
    }
    this.#struct = outer;
    return result;
  }
}

/** What Go has where a value is null. */
function zero(shape: Shape): unknown {
  if (shape.kind === 'string') return '';
  if (shape.kind === 'bool') return false;
  return shape.kind === 'struct' ? {} : null;
}

/** By its exact name, else without regard to case; the Kelvin sign and the long s count as k and s, as in Go. */
function findField(shape: StructShape, key: string): string | undefined {
  if (Object.hasOwn(shape.fields, key)) return key;
  const folded = fold(key);
  return Object.keys(shape.fields).find((name) => fold(name) === folded);
}

function fold(name: string): string {
  return name.replace(/[A-Z\u017f\u212a]/g, (letter) =>
    letter === '\u017f' ? 's' : letter === '\u212a' ? 'k' : letter.toLowerCase(),
  );
}

function sorted(values: Map<string, YamlValue>): [string, YamlValue][] {
  return [...values].sort(([a], [b]) => compareBytes(a, b));
}

function isCollection(value: YamlValue): value is YamlValue[] | Map<string, YamlValue> {
  return typeof value === 'object' && value !== null;
}

function toText(value: string | bigint | number | boolean): string {
  return typeof value === 'number' ? formatFloat(value, 32) : String(value);
}

function jsonKind(value: YamlValue): string {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Map) return 'object';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'number';
}

/** JSON knows one kind of number. `Object.fromEntries` defines keys, `__proto__` among them, and sets none. */
function toJson(value: YamlValue): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]));
  return value;
}

/** The first number that JSON cannot have and that no field takes as a string. */
function findNonFinite(shape: Shape | undefined, value: YamlValue): string | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) || shape?.kind === 'string' ? undefined : formatFloat(value, 64);
  }
  if (!isCollection(value)) return undefined;
  const children: [Shape | undefined, YamlValue][] = Array.isArray(value)
    ? value.map((item) => [shape?.kind === 'list' ? shape.item : undefined, item])
    : sorted(value).map(([key, item]) => [memberShape(shape, key), item]);
  for (const [inner, child] of children) {
    const found = findNonFinite(inner, child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function memberShape(shape: Shape | undefined, key: string): Shape | undefined {
  if (shape?.kind === 'map') return shape.item;
  const field = shape?.kind === 'struct' ? findField(shape, key) : undefined;
  return field === undefined ? undefined : (shape as StructShape).fields[field];
}
