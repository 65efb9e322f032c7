/** References of charts and repositories in registries. */
import { ChartError, isChartError } from '../errors.js';
import { formatReference, parseReference, type Reference } from '../oci/reference.js';
import { isPattern } from './pattern.js';

/**
 * @param options.cached true for the name of a chart in the cache, which can be given another one there
 * @throws ChartError `REFERENCE_HOST_REQUIRED` where no registry can be derived; `REFERENCE_INVALID`
 */
export function remoteReference(text: string, { cached = false } = {}): Reference & { host: string } {
  if (!cached && isPattern(text)) throw noPatterns(text);
  const reference = parseReference(text);
  if (reference.host !== undefined) return { ...reference, host: reference.host };
  const name = text.replace(/^oci:\/\//, '');
  const own = (other: string): string =>
    cached ? ` A chart that the cache has by this name: chart tag ${name} ${other}, then push that.` : '';
  if (isHostAlone(text)) {
    throw new ChartError('REFERENCE_HOST_REQUIRED', `${text} is a registry without a repository`, {
      hint: `Write ${name}/PATH.${own(`${name}/PATH`)}`,
    });
  }
  throw new ChartError('REFERENCE_HOST_REQUIRED', `${text} names no registry`, {
    hint: `Write the registry before it: HOST/${name}, such as registry.example.com/${name}.${own(`HOST/${name}`)}`,
  });
}

/**
 * For `catch`: where a host is not known and is a mere word, it was hardly meant as one, and the hint says so.
 *
 * @param text the reference; it has been parsed before
 * @throws what it is given, else
 */
export function explainHost(text: string): (error: unknown) => never {
  return (error) => {
    const reference = parseReference(text);
    const { host = '' } = reference;
    const isWord = /^[A-Za-z0-9-]+$/.test(host) && host !== 'localhost';
    if (!isWord || !isChartError(error, 'REGISTRY_UNREACHABLE') || !/: no such host$/.test(error.message)) throw error;
    throw new ChartError(error.code, error.message, {
      cause: error,
      hint: `${host} is taken for the registry: a reference begins with its host, as in registry.example.com/${formatReference(reference)}`,
    });
  };
}

/** What looks like a host, where the grammar sees a repository of the cache and a tag. */
function isHostAlone(text: string): boolean {
  return /^(?:oci:\/\/)?(?:localhost(?::\d+)?|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*:\d{4,5}|(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})$/.test(
    text,
  );
}

/** A registry is asked for what is named. */
function noPatterns(text: string): ChartError {
  const [repository = ''] = text.replace(/^oci:\/\//, '').split(/:(?!\d+\/)/, 1);
  const source = isPattern(repository) ? `'oci://${repository}'` : `oci://${repository}`;
  return new ChartError('REFERENCE_INVALID', `${text} is a pattern, and charts in a registry are named one by one`, {
    hint: `chart mirror ${source} cache brings all that fit into the cache; --version chooses among versions.`,
  });
}
