/**
 * Who may come in: a file as `htpasswd -B` writes it, one user a line.
 *
 *     ann:$2y$10$Cx0Zp6bQ1v...
 *
 * Only bcrypt is taken; every other kind of hash in such files is broken or fast to guess.
 */
import { ChartError } from '../errors.js';

/** bcrypt's hash of each user. */
export type PasswordHashes = ReadonlyMap<string, string>;

const BCRYPT = /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** A cost beyond this takes minutes a check. */
const COST_LIMIT = 16;

/**
 * @param where what the text was read from, for the message
 * @throws ChartError `CREDENTIALS_INVALID`, which names the line and never the user
 */
export function parseHtpasswd(text: string, where: string): PasswordHashes {
  const hashes = new Map<string, string>();
  for (const [position, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const user = line.slice(0, Math.max(colon, 0));
    const hash = line.slice(colon + 1).trim();
    if (user === '') throw invalid(where, position, 'is not USER:HASH');
    const cost = Number(BCRYPT.exec(hash)?.[1] ?? Number.NaN);
    if (Number.isNaN(cost)) throw invalid(where, position, 'has no bcrypt hash');
    if (cost < 4 || cost > COST_LIMIT) throw invalid(where, position, `has a cost outside 4 to ${COST_LIMIT}`);
    if (hashes.has(user)) throw invalid(where, position, 'names a user a second time');
    hashes.set(user, hash);
  }
  if (hashes.size === 0) {
    throw new ChartError('CREDENTIALS_INVALID', `${where} names no user`, { hint: HINT });
  }
  return hashes;
}

export function costOf(hash: string): number {
  return Number(hash.slice(4, 6));
}

const HINT = 'Write it with "htpasswd -B FILE USER".';

function invalid(where: string, position: number, problem: string): ChartError {
  return new ChartError('CREDENTIALS_INVALID', `${where}: line ${position + 1} ${problem}`, { hint: HINT });
}
