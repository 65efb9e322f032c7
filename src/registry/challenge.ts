/**
 * Challenges: what a 401 asks for. RFC 9110, 11.6.1
 *
 *     WWW-Authenticate: Bearer realm="https://auth.example.com/token",service="r",scope="repository:a/b:pull,push"
 *     WWW-Authenticate: Basic realm="r", charset="UTF-8", Negotiate
 */

export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case; the first of several with one name. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const BLANKS = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
/** The credentials-like form of a challenge, as in `Negotiate abc==`; nothing here uses it. */
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Parses the values of all `WWW-Authenticate` headers of one answer. Several challenges may be in one header, and commas
 * may be in quotes. What cannot be read ends the header that it is in; what came before it counts.
 */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap((header) => parseHeader(header.slice(0, 8192)));
}

function parseHeader(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at += match[0].length;
    return match;
  };
  while (at < header.length) {
    take(SEPARATORS);
    const name = take(TOKEN)?.[0];
    if (name === undefined) break;
    take(BLANKS);
    const current = challenges.at(-1);
    if (current && header[at] === '=') {
      at += 1;
      take(BLANKS);
      const value = take(QUOTED)?.[1]?.replace(/\\(.)/g, '$1') ?? take(TOKEN)?.[0];
      if (value === undefined) break;
      const key = name.toLowerCase();
      if (!current.parameters.has(key)) current.parameters.set(key, value);
    } else {
      challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
      take(TOKEN68);
    }
  }
  return challenges;
}
