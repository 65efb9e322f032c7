/** Lists of images as the tools that copy them read them. */
import { ChartError } from '../errors.js';
import { isHost, isRepositoryPath } from '../oci/reference.js';
import type { NamedImage } from './images.js';
import { type ImageReference, parseImage } from './images-reference.js';

/**
 * The configuration of `regsync once -c FILE`: each image to the same repository under another registry.
 * https://regclient.org/usage/regsync/
 *
 * @param to `HOST[:PORT][/PATH]`
 * @throws ChartError `USAGE`
 */
export function regsyncConfig(images: readonly NamedImage[], to: string): object {
  const prefix = to.replace(/^(?:oci|docker):\/\//, '').replace(/\/+$/, '');
  const [host = '', ...path] = prefix.split('/');
  if (!isHost(host) || (path.length > 0 && !isRepositoryPath(path.join('/')))) {
    throw new ChartError('USAGE', `--to ${JSON.stringify(to)} is not HOST[:PORT][/PATH]`);
  }
  return {
    version: 1,
    sync: images.map(({ image }) => {
      const { repository, tag, digest } = reference(image);
      const name = tag === undefined && digest !== undefined ? `@${digest}` : `:${tag ?? 'latest'}`;
      return { source: image, target: `${prefix}/${repository}${name}`, type: 'image' };
    }),
  };
}

/**
 * The list of `skopeo sync --src yaml`: tags, or digests, by registry and repository.
 * https://github.com/containers/skopeo/blob/main/docs/skopeo-sync.1.md
 */
export function skopeoList(images: readonly NamedImage[]): object {
  const registries = new Map<string, Map<string, string[]>>();
  for (const { image } of images) {
    const { registry, repository, tag, digest } = reference(image);
    const repositories = registries.get(registry) ?? new Map<string, string[]>();
    registries.set(registry, repositories);
    // A pod that names a digest needs that very one.
    repositories.set(repository, [...(repositories.get(repository) ?? []), digest ?? tag ?? 'latest']);
  }
  return Object.fromEntries(
    [...registries].map(([registry, repositories]) => [registry, { images: Object.fromEntries(repositories) }]),
  );
}

function reference(image: string): ImageReference {
  return parseImage(image) as ImageReference;
}
