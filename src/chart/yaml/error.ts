/** A YAML text that cannot be read, behind the prefix that Helm's YAML library gives. */
import { ContentError } from '../content-error.js';

export class YamlError extends ContentError {
  /** @param line counted from 1; 0 for none */
  constructor(problem: string, line = 0) {
    super(`yaml: ${line === 0 ? '' : `line ${line}: `}${problem}`);
    this.name = 'YamlError';
  }
}
