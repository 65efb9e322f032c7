/** What may be shown of a request and of a registry's words: no secret, no signed query, no control character. */

/** Query parameters whose values are no secret. All others are masked: signatures have many names. */
const PLAIN_PARAMETERS: readonly string[] = ['digest', 'from', 'last', 'mount', 'n', 'scope', 'service'];

/** The URL as it may be shown: without user and password, and with the values of unknown parameters masked. */
export function shownUrl(url: URL): string {
  const query = [...url.searchParams].map(([name, value]) =>
    PLAIN_PARAMETERS.includes(name) ? `${shownName(name)}=${value}` : `${shownName(name)}=***`,
  );
  return `${url.origin}${url.pathname}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

function shownName(name: string): string {
  return encodeURIComponent(name.slice(0, 64));
}

/**
 * Words of a registry, fit to be part of a message: on one line, at most `limit` characters, queries of URLs masked and
 * `secrets` blotted out.
 */
export function shownText(text: string, secrets: Iterable<string> = [], limit = 300): string {
  let shown = text.slice(0, 16 * limit);
  for (const secret of secrets) shown = blot(shown, secret);
  shown = shown
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/(https?:\/\/[^\s"'?]*)\?[^\s"']*/g, '$1?***')
    .trim();
  return shown.length > limit ? `${shown.slice(0, limit)}...` : shown;
}

/** A secret that is part of a longer word is no secret there: blotting it out would tell it. */
function blot(text: string, secret: string): string {
  const pattern = secret.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return text.replace(new RegExp(`(?<![A-Za-z0-9])${pattern}(?![A-Za-z0-9])`, 'g'), '***');
}
