/**
 * The config blob of a chart: its metadata as JSON, byte for byte what Helm 3.6.3 writes.
 *
 *     {"name":"web","version":"1.2.3","description":"R\u0026D","apiVersion":"v2"}
 */
import { ChartError } from '../errors.js';
import { encodeJson } from './go/encode.js';
import type { Shape } from './go/json.js';
import type { ChartMetadata } from './metadata.js';
import { isEmpty, METADATA } from './metadata-shape.js';
import { YAML_DEPTH } from './yaml/nodes.js';

/** Fields in Helm's order; those that are empty are left out, but for a dependency's name and repository. */
export function encodeConfig(metadata: ChartMetadata): Uint8Array {
  return Buffer.from(encodeJson(inOrder(METADATA, metadata)));
}

/** Structs as Maps, whose fields {@link encodeJson} writes in order. */
function inOrder(shape: Shape, value: unknown): unknown {
  if (shape.kind === 'list') return (value as unknown[]).map((item) => inOrder(shape.item, item));
  if (shape.kind !== 'struct') return value;
  const struct = new Map<string, unknown>();
  for (const [field, inner] of Object.entries(shape.fields)) {
    const item = (value as Record<string, unknown>)[field];
    if (!isEmpty(item)) struct.set(field, inOrder(inner, item));
    else if (shape.always?.includes(field)) struct.set(field, '');
  }
  return struct;
}

/**
 * Reads a config blob, whichever tool wrote it. Fields of another type than Helm's, and those it does not know, are passed
 * over.
 *
 * @throws ChartError `CHART_INVALID` if it is not JSON, not an object, or without a name and a version
 *
 * @example
 * ```ts
 * import { parseConfig } from 'helm-chart-cache';
 *
 * const { name } = parseConfig(new TextEncoder().encode('{"name":"app","version":"1.0.0","apiVersion":"v2"}'));
 * console.log(name); // app
 * ```
 */
export function parseConfig(bytes: Uint8Array): ChartMetadata {
  let config: unknown;
  try {
    config = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw new ChartError('CHART_INVALID', 'the chart config is not JSON', { cause });
  }
  const metadata = pick(METADATA, config) as Partial<ChartMetadata> | undefined;
  if (metadata === undefined) throw new ChartError('CHART_INVALID', 'the chart config is not an object');
  const { name, version, apiVersion = 'v1' } = metadata;
  if (name === undefined) throw new ChartError('CHART_INVALID', 'the chart config has no name');
  if (version === undefined) throw new ChartError('CHART_INVALID', 'the chart config has no version');
  return { ...metadata, name, version, apiVersion };
}

/** What of a JSON value fits a shape. */
function pick(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'list':
      return Array.isArray(value)
        ? value.map((item) => pick(shape.item, item)).filter((item) => item !== undefined)
        : undefined;
    case 'map':
      return isObject(value)
        ? present(Object.entries(value).map(([key, item]) => [key, pick(shape.item, item)]))
        : undefined;
    case 'struct':
      return isObject(value) ? pickFields(shape, value) : undefined;
    default:
      return isShallow(value, YAML_DEPTH) ? value : undefined;
  }
}

/** Without the lists between that would be shorter to write: there may be ten thousand charts. */
function pickFields({ fields, always }: Extract<Shape, { kind: 'struct' }>, value: Record<string, unknown>): object {
  const found: Record<string, unknown> = {};
  for (const field in fields) {
    if (!Object.hasOwn(value, field)) continue;
    const item = pick(fields[field] as Shape, value[field]);
    if (item !== undefined && (!isEmpty(item) || always?.includes(field))) found[field] = item;
  }
  return found;
}

/** What is nested deeper than any Chart.yaml would only break those who walk it. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((item) => isShallow(item, depth - 1));
}

/** `Object.fromEntries` defines keys, `__proto__` among them, and sets none. */
function present(entries: (readonly [string, unknown])[]): object {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
