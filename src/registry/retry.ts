/**
 * When to try again, and when: connection faults, 408, 429 and 5xx, with growing pauses and jitter, or when the answer
 * says (`Retry-After`).
 */
import { cancelled, throwIfCancelled } from '../errors.js';
import { onAbort } from '../on-abort.js';
import { headerOf } from './answers.js';
import { WireFault } from './faults.js';
import type { WireResponse } from './transport.js';

export interface RetryPolicy {
  /** Attempts in all; 1 never tries again. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, doubled for each one after it. */
  readonly firstPause: number;
  readonly longestPause: number;
  /** A registry that asks to wait longer than this many milliseconds is not waited for. */
  readonly longestRetryAfter: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 4,
  firstPause: 300,
  longestPause: 10_000,
  longestRetryAfter: 60_000,
};

/** Time and chance, so that tests can have their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with `CANCELLED` when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  random: Math.random,
  async sleep(ms, signal) {
    throwIfCancelled(signal);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        forget();
        resolve();
      }, ms);
      const forget = onAbort(signal, () => {
        clearTimeout(timer);
        reject(cancelled(signal as AbortSignal));
      });
    });
  },
};

/** Of 5xx, those that say what will be so next time, too: 501, 505 to 508, 510, 511. */
const LASTING: readonly number[] = [501, 505, 506, 507, 508, 510, 511];

/** What an attempt ended with. */
export type Outcome = Pick<WireResponse, 'status' | 'headers'> | { readonly error: unknown };

export class Retry {
  readonly #policy: RetryPolicy;
  readonly #clock: Clock;

  constructor(policy: RetryPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /**
   * Milliseconds to wait before the next attempt, or undefined if there should be none.
   *
   * @param attempt attempts made so far, 1 at least
   * @param repeatable false for a request that may have had its effect: only 429 says that it had none
   */
  delay(outcome: Outcome, attempt: number, repeatable = true): number | undefined {
    if (attempt >= this.#policy.attempts) return undefined;
    const wish = this.#wish(outcome, repeatable);
    if (wish === undefined || wish > this.#policy.longestRetryAfter) return undefined;
    return Math.max(wish, this.#pause(attempt));
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  /** Milliseconds that the other side wants to be left alone, 0 if it does not say, undefined if nothing would change. */
  #wish(outcome: Outcome, repeatable: boolean): number | undefined {
    if ('error' in outcome) {
      const { error } = outcome;
      return repeatable && error instanceof WireFault && error.transient ? (error.retryAfter ?? 0) : undefined;
    }
    if (!isTransientStatus(outcome.status) || (!repeatable && outcome.status !== 429)) return undefined;
    return readRetryAfter(outcome, this.#clock.now()) ?? 0;
  }

  /** Half of it fixed, half of it by chance, so that many clients do not come back at once. */
  #pause(attempt: number): number {
    const full = Math.min(this.#policy.firstPause * 2 ** (attempt - 1), this.#policy.longestPause);
    return Math.round((full / 2) * (1 + this.#clock.random()));
  }
}

/** True for a status that may be another one next time. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && !LASTING.includes(status));
}

/** Milliseconds of a `Retry-After` header in seconds or as a date, or undefined. RFC 9110, 10.2.3 */
export function readRetryAfter(response: Pick<WireResponse, 'headers'>, now: number): number | undefined {
  const text = headerOf(response, 'retry-after')?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
