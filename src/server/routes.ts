/**
 * The paths of the API. A name may itself hold `blobs` or `tags`, so a path is read from its end.
 *
 *     /v2/                               base           /v2/NAME/blobs/DIGEST         blob
 *     /v2/_catalog                       catalog        /v2/NAME/blobs/uploads/       uploads
 *     /v2/NAME/manifests/TAG_OR_DIGEST   manifest       /v2/NAME/blobs/uploads/ID     upload
 *     /v2/NAME/tags/list                 tags           /v2/NAME/referrers/DIGEST     referrers
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
import { Refusal } from './errors.js';
import { isName } from './names.js';

export type Route =
  | { readonly kind: 'base' | 'catalog'; readonly name: ''; readonly last: '' }
  | {
      readonly kind: 'manifest' | 'blob' | 'uploads' | 'upload' | 'tags' | 'referrers';
      readonly name: string;
      /** The part after the noun: a tag, a digest or an upload's id, not yet checked. */
      readonly last: string;
    };

/**
 * @param path the request's path as it was sent, without the query
 * @returns undefined for a path that is none of the API's
 * @throws Refusal `NAME_INVALID` before anything is looked up, so that a name can never lead anywhere else
 */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'base', name: '', last: '' };
  if (path === '/v2/_catalog') return { kind: 'catalog', name: '', last: '' };
  if (!path.startsWith('/v2/')) return undefined;
  const rest = path.includes('%') ? decode(path.slice(4)) : path.slice(4);
  const end = rest.lastIndexOf('/');
  const middle = end < 0 ? -1 : rest.lastIndexOf('/', end - 1);
  if (middle < 0) return undefined;
  const noun = rest.slice(middle + 1, end);
  const last = rest.slice(end + 1);
  const name = rest.slice(0, middle);
  switch (noun) {
    case 'manifests':
      return named('manifest', name, last);
    case 'blobs':
      return last === 'uploads' ? named('uploads', name, '') : named('blob', name, last);
    case 'referrers':
      return named('referrers', name, last);
    case 'tags':
      return last === 'list' ? named('tags', name, '') : undefined;
    case 'uploads':
      if (!name.endsWith('/blobs')) return undefined;
      return named(last === '' ? 'uploads' : 'upload', name.slice(0, -'/blobs'.length), last);
    default:
      return undefined;
  }
}

function named(kind: Exclude<Route['kind'], 'base' | 'catalog'>, name: string, last: string): Route {
  if (!isName(name)) throw new Refusal(400, 'NAME_INVALID', 'the repository name is not valid');
  return { kind, name, last };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Refusal(400, 'NAME_INVALID', 'the path is not valid percent-encoding', { cause });
  }
}
