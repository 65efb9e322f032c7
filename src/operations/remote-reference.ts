/** References of charts and repositories in registries. */
import { ChartError } from '../errors.js';
import { parseReference, type Reference } from '../oci/reference.js';
import { isPattern } from './pattern.js';

/**
 * @param options.cached true for the name of a chart in the cache, which can be given another one there
 * @throws ChartError `REFERENCE_HOST_REQUIRED` where no registry can be derived; `REFERENCE_INVALID`
 */
export function remoteReference(text: string, { cached = false } = {}): Reference & { host: string } {
  if (!cached && isPattern(text)) throw noPatterns(text);
  const reference = parseReference(text);
  if (reference.host !== undefined) return { ...reference, host: reference.host };
  if (isHostAlone(text)) {
    const message = `${text} is a registry without a repository`;
    throw new ChartError('REFERENCE_HOST_REQUIRED', message, { hint: `Write ${text.replace(/^oci:\/\//, '')}/PATH.` });
  }
  const own = ` A chart that the cache has without: chart tag ${text} HOST/${text}, then push that.`;
  throw new ChartError('REFERENCE_HOST_REQUIRED', `${text} names no registry`, {
    hint: `Write HOST/PATH[:TAG], such as registry.example.com/team/app:1.0.0.${cached ? own : ''}`,
  });
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
