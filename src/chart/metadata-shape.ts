/** The Go types behind Chart.yaml and Chart.lock in Helm 3.6.3: they decide how YAML becomes text, and stand in messages. */
import type { ListShape, Shape, StructShape } from './go/json.js';

const STRING: Shape = { kind: 'string', type: 'string' };
const BOOL: Shape = { kind: 'bool', type: 'bool' };
const STRINGS: Shape = { kind: 'list', type: '[]string', item: STRING };

const MAINTAINER: StructShape = {
  kind: 'struct',
  type: 'chart.Maintainer',
  fields: { name: STRING, email: STRING, url: STRING },
};

const DEPENDENCY: StructShape = {
  kind: 'struct',
  type: 'chart.Dependency',
  always: ['name', 'repository'],
  fields: {
    name: STRING,
    version: STRING,
    repository: STRING,
    condition: STRING,
    tags: STRINGS,
    enabled: BOOL,
    'import-values': { kind: 'list', type: '[]interface {}', item: { kind: 'any', type: 'interface {}' } },
    alias: STRING,
  },
};

export const DEPENDENCIES: ListShape = { kind: 'list', type: '[]*chart.Dependency', item: DEPENDENCY, nullable: true };

export const METADATA: StructShape = {
  kind: 'struct',
  type: 'chart.Metadata',
  fields: {
    name: STRING,
    home: STRING,
    sources: STRINGS,
    version: STRING,
    description: STRING,
    keywords: STRINGS,
    maintainers: { kind: 'list', type: '[]*chart.Maintainer', item: MAINTAINER, nullable: true },
    icon: STRING,
    apiVersion: STRING,
    condition: STRING,
    tags: STRING,
    appVersion: STRING,
    deprecated: BOOL,
    annotations: { kind: 'map', type: 'map[string]string', item: STRING },
    kubeVersion: STRING,
    dependencies: DEPENDENCIES,
    type: STRING,
  },
};

/** What Go's `omitempty` leaves out. */
export function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === '' || value === false;
}
