/**
 * bcrypt on a thread of its own: one comparison takes up to a second, in which every other client would wait. The thread runs a
 * part of the built program, which lies beside the one that this file is in.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ComparePassword } from './passwords.js';

interface Waiting {
  resolve(isRight: boolean): void;
  reject(error: Error): void;
}

/** The thread comes with the first comparison, keeps no program alive, and is made anew after a fault. */
export function startBcrypt(): ComparePassword {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let count = 0;
  const start = (): Worker => {
    const started = new Worker(join(import.meta.dirname, 'bcrypt-worker.cjs'));
    const fail = (error: Error) => {
      if (worker === started) worker = undefined;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    started.on('message', ([number, isRight]: [number, boolean]) => {
      waiting.get(number)?.resolve(isRight);
      waiting.delete(number);
    });
    started.on('error', fail);
    started.on('exit', () => fail(new Error('the thread that compares passwords has ended')));
    started.unref();
    return started;
  };
  return (password, hash) =>
    new Promise((resolve, reject) => {
      worker ??= start();
      count += 1;
      waiting.set(count, { resolve, reject });
      worker.postMessage([count, password, hash]);
    });
}
