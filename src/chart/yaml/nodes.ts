/**
 * The nodes of a YAML document.
 *
 *     - &a {b: c}     sequence [ mapping [ scalar b, scalar c ] ]      anchor a
 *     - *a            alias -> that mapping
 */

export class YamlNode {
  readonly kind: 'scalar' | 'sequence' | 'mapping' | 'alias';
  /** In full (`tag:yaml.org,2002:int`), empty where there is none. */
  readonly tag: string;
  /** Of a scalar, its text; of an alias, its name. */
  readonly text: string;
  /** Of a scalar: the text alone decides the type. */
  readonly plain: boolean;
  /** Of a mapping: key, value, key, value, ... */
  readonly children: readonly YamlNode[];
  /** Of an alias. */
  readonly target: YamlNode | undefined;

  private constructor(
    kind: YamlNode['kind'],
    tag: string,
    text: string,
    plain: boolean,
    children: readonly YamlNode[],
    target: YamlNode | undefined,
  ) {
    this.kind = kind;
    this.tag = tag;
    this.text = text;
    this.plain = plain;
    this.children = children;
    this.target = target;
  }

  static scalar(tag: string, text: string, plain: boolean): YamlNode {
    return new YamlNode('scalar', tag, text, plain, NONE, undefined);
  }

  /** @param children may be filled later */
  static collection(kind: 'sequence' | 'mapping', tag: string, children: readonly YamlNode[]): YamlNode {
    return new YamlNode(kind, tag, '', false, children, undefined);
  }

  static alias(name: string, target: YamlNode): YamlNode {
    return new YamlNode('alias', '', name, false, NONE, target);
  }
}

const NONE: readonly YamlNode[] = [];

/** The null that stands where nothing was written. */
export const EMPTY_NODE: YamlNode = YamlNode.scalar('', '', true);

/** Collections within collections. Helm's library allows 10,000, which nobody writes and which a hostile file may. */
export const YAML_DEPTH = 256;

/** Words, marks and blanks of one file, which is some 3 MB of text. Helm's library has no limit, and a file of 16 MiB can ask for gigabytes. */
export const YAML_TOKENS = 1_000_000;
