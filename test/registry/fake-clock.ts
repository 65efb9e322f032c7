/** A clock whose time passes only in sleep, at once. */
import { throwIfCancelled } from '../../src/errors.js';
import type { Clock } from '../../src/registry/retry.js';

export interface FakeClock extends Clock {
  /** What was slept, in milliseconds. */
  readonly slept: number[];
  advance(ms: number): void;
}

export function fakeClock(start = Date.UTC(2030, 0, 1)): FakeClock {
  let now = start;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    random: () => 0,
    advance: (ms) => {
      now += ms;
    },
    async sleep(ms, signal) {
      throwIfCancelled(signal);
      slept.push(ms);
      now += ms;
    },
  };
}
