/** Other names for what a bundle holds: those of the registry inside. */
import { ChartError, isChartError } from '../errors.js';
import { formatReference, isHost, isRepositoryPath, parseReference } from '../oci/reference.js';

/** @returns `HOST[:PORT][/PATH]` without a scheme. @throws ChartError `USAGE` */
export function checkPrefix(text: string): string {
  const prefix = text.replace(/^oci:\/\//, '').replace(/\/+$/, '');
  const [host = '', ...path] = prefix.split('/');
  if (isHost(host) && (path.length === 0 || isRepositoryPath(path.join('/')))) return prefix;
  throw new ChartError('USAGE', `--to ${JSON.stringify(text)} is not HOST[:PORT][/PATH]`, {
    hint: 'For example --to registry.lan:5000/mirror: ghcr.io/acme/app:1.0.0 becomes registry.lan:5000/mirror/acme/app:1.0.0.',
  });
}

/** Puts the prefix in place of the registry. What is no reference stays as it is, and is told as such when it is used. */
export function withPrefix(ref: string, prefix: string): string {
  const [host, ...path] = prefix.split('/');
  try {
    const reference = parseReference(ref);
    const renamed = formatReference({ ...reference, host, path: [...path, reference.path].join('/') });
    parseReference(renamed);
    return renamed;
  } catch (error) {
    if (isChartError(error)) return ref;
    throw error;
  }
}
