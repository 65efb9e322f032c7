/** Many small charts, for what needs many. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes `DIR/NAME` for each, version 1.0.0, no two with the same content; `bytes` more in each, if any. */
export function writeCharts(dir: string, names: readonly string[], bytes = 0): void {
  for (const [position, name] of names.entries()) {
    mkdirSync(join(dir, name, 'templates'), { recursive: true });
    writeFileSync(join(dir, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
    writeFileSync(join(dir, name, 'values.yaml'), `replicas: ${position}\n`);
    if (bytes > 0) writeFileSync(join(dir, name, 'files.bin'), noise(bytes, position + 1));
  }
}

/** Bytes that do not compress, the same each time. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
