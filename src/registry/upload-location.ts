/** Where a registry says that an upload goes on. */
import { ChartError } from '../errors.js';
import { shownUrl } from './redact.js';
import type { WireResponse } from './transport.js';

/**
 * The URL of an upload, relative or absolute. It must be on the registry's own origin: the content and the credentials go
 * there (GHSA-jxpm-75mh-9fp7). A registry behind a proxy that ends TLS may call itself http; its own host is then asked by
 * https all the same.
 *
 * @throws ChartError `REGISTRY_PROTOCOL`
 */
export function nextLocation({ url: from }: Pick<WireResponse, 'url'>, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new ChartError('REGISTRY_PROTOCOL', `${from.host} does not say where to upload to`);
  }
  const url = new URL(location, from);
  if (from.protocol === 'https:' && url.protocol === 'http:' && url.hostname === from.hostname && url.port === '') {
    url.protocol = 'https:';
    url.port = from.port;
  }
  if (url.origin !== from.origin || url.username || url.password) {
    throw new ChartError('REGISTRY_PROTOCOL', `${from.host} wants the upload sent to ${shownUrl(url)}`, {
      hint: 'Nothing was sent there. The registry, or a proxy before it, is set up wrongly.',
    });
  }
  url.hash = '';
  return url;
}
