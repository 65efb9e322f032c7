/**
 * YAML nodes -> values, as go-yaml 2.4 and the step from there to JSON make them: aliases and merges (`<<`) expanded, the
 * last of equal keys wins, keys become strings.
 */
import { ContentError } from '../content-error.js';
import { formatFloat, quote } from '../go/format.js';
import { YamlError } from './error.js';
import { YAML_DEPTH, type YamlNode } from './nodes.js';
import { parseYaml } from './parser.js';
import { isUint64, MERGE_TAG, resolvePlain, resolveTagged, type YamlScalar } from './resolve.js';

export type YamlValue = YamlScalar | YamlValue[] | Map<string, YamlValue>;

export interface YamlDocument {
  /** Null where the file holds no document. */
  readonly value: YamlValue;
  /** False if there may be an infinity or a NaN, which JSON does not have. */
  readonly finite: boolean;
}

/**
 * The first document of a YAML file.
 *
 * @throws YamlError, or ContentError for a key that JSON does not have, in the words of Helm's libraries
 */
export function readYaml(bytes: Uint8Array): YamlDocument {
  const root = parseYaml(bytes);
  if (root === undefined) return { value: null, finite: true };
  const expander = new Expander();
  const value = expander.value(root, 0);
  const badKey = expander.findBadKey(value);
  if (badKey !== undefined) throw badKey;
  return { value, finite: expander.finite };
}

class Expander {
  finite = true;
  /** Keys that JSON cannot have, by the mapping that holds them: one that a later key replaces does no harm. */
  readonly #badKeys = new Map<YamlValue, ContentError>();
  #count = 1;
  #aliasCount = 0;
  #aliasDepth = 0;
  readonly #open = new Set<YamlNode>();

  value(node: YamlNode, depth: number): YamlValue {
    this.#tally();
    switch (node.kind) {
      case 'scalar': {
        const scalar = scalarOf(node);
        if (typeof scalar === 'number' && !Number.isFinite(scalar)) this.finite = false;
        return scalar;
      }
      case 'alias':
        return this.#alias(node, (target) => this.value(target, depth));
      case 'sequence':
        return this.#sequence(node, this.#deeper(depth));
      case 'mapping':
        return this.#mapping(node, new Map(), this.#deeper(depth));
    }
  }

  findBadKey(value: YamlValue): ContentError | undefined {
    if (this.#badKeys.size === 0 || typeof value !== 'object' || value === null) return undefined;
    for (const item of value.values()) {
      const found = this.findBadKey(item);
      if (found !== undefined) return found;
    }
    return this.#badKeys.get(value);
  }

  /** @throws YamlError for a document most of which comes from aliases, by the library's own measure */
  #tally(): void {
    this.#count++;
    if (this.#aliasDepth > 0) this.#aliasCount++;
    if (
      this.#aliasCount > 100 &&
      this.#count > 1000 &&
      this.#aliasCount / this.#count > allowedAliasRatio(this.#count)
    ) {
      throw new YamlError('document contains excessive aliasing');
    }
  }

  #deeper(depth: number): number {
    if (depth >= YAML_DEPTH) throw new YamlError(`exceeded max depth of ${YAML_DEPTH}`);
    return depth + 1;
  }

  #alias<T>(node: YamlNode, expand: (target: YamlNode) => T): T {
    if (this.#open.has(node)) throw new YamlError(`anchor '${node.text}' value contains itself`);
    this.#open.add(node);
    this.#aliasDepth++;
    const result = expand(node.target!);
    this.#aliasDepth--;
    this.#open.delete(node);
    return result;
  }

  #sequence(node: YamlNode, depth: number): YamlValue[] {
    const { children } = node;
    const values: YamlValue[] = [];
    for (let i = 0; i < children.length; i++) values.push(this.value(children[i]!, depth));
    return values;
  }

  #mapping(node: YamlNode, into: Map<string, YamlValue>, depth: number): Map<string, YamlValue> {
    const { children } = node;
    for (let i = 0; i < children.length; i += 2) {
      const keyNode = children[i]!;
      if (isMerge(keyNode)) this.#merge(children[i + 1]!, into, depth);
      else {
        const key = this.#key(keyNode, depth);
        const value = this.value(children[i + 1]!, depth);
        if (key !== undefined) into.set(key, value);
        else this.#badKeys.set(into, unsupportedKey(keyNode, children[i + 1]!));
      }
    }
    return into;
  }

  /** Undefined for a key that JSON cannot have: null, or an integer beyond 63 bits. */
  #key(node: YamlNode, depth: number): string | undefined {
    const key = this.value(node, depth);
    if (typeof key === 'object' && key !== null)
      throw new YamlError(`invalid map key: ${goSyntax(node).slice(0, SHOWN)}`);
    if (typeof key === 'string') return key;
    if (typeof key === 'boolean') return String(key);
    if (typeof key === 'number') return floatKey(key);
    if (typeof key === 'bigint' && !isUint64(key)) return String(key);
    return undefined;
  }

  /** Keys that a merge brings replace those before it and yield to those behind it. */
  #merge(node: YamlNode, into: Map<string, YamlValue>, depth: number): void {
    if (node.kind === 'sequence') {
      for (const child of [...node.children].reverse()) this.#mergeOne(child, into, depth);
    } else this.#mergeOne(node, into, depth);
  }

  #mergeOne(node: YamlNode, into: Map<string, YamlValue>, depth: number): void {
    const source = node.kind === 'alias' ? node.target! : node;
    if (source.kind !== 'mapping') throw new YamlError('map merge requires map or sequence of maps as the value');
    this.#tally();
    if (node.kind === 'mapping') this.#mapping(node, into, this.#deeper(depth));
    else {
      this.#alias(node, (target) => {
        this.#tally();
        this.#mapping(target, into, this.#deeper(depth));
      });
    }
  }
}

/** Characters of a key that is no scalar, in the message about it. */
const SHOWN = 1000;

/** 99 of 100 values may come from aliases in a small document, 10 of 100 in one of four million. */
function allowedAliasRatio(count: number): number {
  if (count <= 400_000) return 0.99;
  if (count >= 4_000_000) return 0.1;
  return 0.99 - 0.89 * ((count - 400_000) / 3_600_000);
}

function unsupportedKey(keyNode: YamlNode, valueNode: YamlNode): ContentError {
  const key = scalarOf(keyNode.target ?? keyNode);
  const shown = key === null ? '%!s(<nil>), key: <nil>' : `uint64, key: 0x${(key as bigint).toString(16)}`;
  const value = goSyntax(valueNode)
    .slice(0, SHOWN)
    .replace(/^interface \{\}\(nil\)$/, '<nil>');
  return new ContentError(`Unsupported map key of type: ${shown}, value: ${value}`);
}

function scalarOf(node: YamlNode): YamlScalar {
  if (node.tag !== '') return resolveTagged(node.tag, node.text);
  return node.plain ? resolvePlain(node.text) : node.text;
}

function isMerge(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.text === '<<' && (node.plain || node.tag === MERGE_TAG);
}

function floatKey(key: number): string {
  if (Number.isNaN(key)) return '.nan';
  const text = formatFloat(key, 32);
  return text === '+Inf' ? '.inf' : text === '-Inf' ? '-.inf' : text;
}

/** How Go's `%#v` shows a collection, which is what stands in the message about `{{ template }}: x`. */
function goSyntax(node: YamlNode): string {
  if (node.kind === 'alias') return goSyntax(node.target!);
  if (node.kind === 'sequence') return `[]interface {}{${node.children.map(goSyntax).join(', ')}}`;
  if (node.kind === 'mapping') {
    const pairs: string[] = [];
    for (let i = 0; i < node.children.length; i += 2) {
      pairs.push(`${goSyntax(node.children[i]!)}:${goSyntax(node.children[i + 1]!)}`);
    }
    return `map[interface {}]interface {}{${pairs.sort().join(', ')}}`;
  }
  const value = scalarOf(node);
  if (value === null) return 'interface {}(nil)';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return formatFloat(value, 64);
  return typeof value === 'bigint' && isUint64(value) ? `0x${value.toString(16)}` : String(value);
}
