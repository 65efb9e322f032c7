/** The thread behind bcrypt.ts: `[number, password, hash]` comes in, `[number, whether they match]` goes out. */
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

parentPort?.on('message', ([number, password, hash]: [number, string, string]) => {
  parentPort?.postMessage([number, compareSync(password, hash)]);
});
