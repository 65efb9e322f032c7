/** A bundle that a command is to read: a file, or standard input. */
import { type BundleInput, fileInput } from '../bundle/input.js';
import { ChartError } from '../errors.js';
import type { Context } from './context.js';

/** @throws ChartError `USAGE` where standard input is a terminal */
export function bundleInput({ stdin }: Context, file: string): BundleInput {
  if (file !== '-') return fileInput(file);
  if (stdin.isTTY) {
    throw new ChartError('USAGE', 'a bundle is not read from a terminal', {
      hint: 'Name a file, or use a pipe: ssh HOST chart bundle REF... -o - | chart unbundle -',
    });
  }
  return { label: 'standard input', open: () => stdin };
}
