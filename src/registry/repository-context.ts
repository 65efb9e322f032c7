/** Which repository a request is about. */
import { ChartError } from '../errors.js';
import { isRepositoryPath } from '../oci/reference.js';
import type { Client } from './client.js';

export interface RepositoryContext {
  readonly client: Client;
  /** The path within the registry. */
  readonly name: string;
  /** `HOST/PATH`, as a person writes it. */
  readonly fullName: string;
}

/** A path below the repository. @throws ChartError `REFERENCE_INVALID` for a name that is no repository */
export function pathOf({ name }: Pick<RepositoryContext, 'name'>, rest: string): string {
  if (!isRepositoryPath(name)) {
    throw new ChartError('REFERENCE_INVALID', `${JSON.stringify(name)} is not a repository`, {
      hint: 'A repository is written in lower case: letters and digits, with "." "_" "-" between them, parted by "/".',
    });
  }
  return `/v2/${name}/${rest}`;
}

/** What a token must be good for, to do `actions` here. https://distribution.github.io/distribution/spec/auth/scope/ */
export function scopesOf(
  { name }: Pick<RepositoryContext, 'name'>,
  actions: 'pull' | 'pull,push' | 'pull,delete',
): string[] {
  return [`repository:${name}:${actions === 'pull,delete' ? 'delete,pull' : actions}`];
}
