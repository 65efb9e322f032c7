/** YAML output, in a part of its own: it is rarely asked for, and the library is large. */
import { stringify } from 'yaml';

export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
