/**
 * Passwords compared: in the same time for every user, known or not, and once only, since bcrypt is slow on purpose and a pull
 * of one chart is many requests.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Refusal } from './errors.js';
import { costOf, type PasswordHashes } from './htpasswd.js';

/** bcrypt's comparison, on another thread. */
export type ComparePassword = (password: string, hash: string) => Promise<boolean>;

/** Checks that may wait for their turn; more are answered with 429, so that guessing never makes a queue without end. */
const WAITING_LIMIT = 64;

/** No password has this hash: it is 22 and 31 characters of the alphabet, chosen by nobody. */
const NOBODY = '.'.repeat(22) + 'O'.repeat(31);

export class Passwords {
  readonly #hashes: PasswordHashes;
  readonly #compare: ComparePassword;
  /** Of each user whose password was seen to be right, what that password gives under a key that never leaves this process. */
  readonly #proven = new Map<string, Buffer>();
  readonly #key = randomBytes(32);
  readonly #cost: number;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(hashes: PasswordHashes, compare: ComparePassword) {
    this.#hashes = hashes;
    this.#compare = compare;
    this.#cost = Math.max(...[...hashes.values()].map(costOf));
  }

  /** True without waiting for a pair that was checked before. */
  isProven(user: string, password: string): boolean {
    const proven = this.#proven.get(user);
    return proven !== undefined && timingSafeEqual(proven, this.#prove(password));
  }

  /** @throws Refusal `TOOMANYREQUESTS` (429) */
  async check(user: string, password: string): Promise<boolean> {
    if (this.isProven(user, password)) return true;
    if (this.#waiting >= WAITING_LIMIT) {
      throw new Refusal(429, 'TOOMANYREQUESTS', 'too many passwords wait to be checked', {
        headers: { 'Retry-After': '5' },
      });
    }
    this.#waiting += 1;
    const turn = this.#tail.then(() => this.isProven(user, password) || this.#compareSlowly(user, password));
    this.#tail = turn.catch(() => undefined);
    try {
      const isRight = await turn;
      if (isRight) this.#proven.set(user, this.#prove(password));
      return isRight;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** bcrypt takes 2^cost steps: what a hash of a lower cost, or of nobody, takes less is made up for. */
  async #compareSlowly(user: string, password: string): Promise<boolean> {
    const hash = this.#hashes.get(user);
    const isRight = await this.#compare(password, hash ?? nobody(this.#cost));
    for (let cost = hash === undefined ? this.#cost : costOf(hash); cost < this.#cost; cost += 1) {
      await this.#compare(password, nobody(cost));
    }
    return isRight && hash !== undefined;
  }

  #prove(password: string): Buffer {
    return createHmac('sha256', this.#key).update(password).digest();
  }
}

function nobody(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${NOBODY}`;
}
