/** A bundle that a command is to read: a file, or standard input. */
import { type BundleInput, fileInput } from '../bundle/input.js';
import { ChartError } from '../errors.js';
import type { Context } from './context.js';

/** @throws ChartError `USAGE` for an address, and where standard input is a terminal */
export function bundleInput({ stdin }: Context, file: string): BundleInput {
  if (/^https?:\/\//.test(file)) {
    throw new ChartError('USAGE', `${file} is an address, and a bundle is read from a file`, {
      hint: 'Standard input will do, too: curl -fsSL URL | chart unbundle -',
    });
  }
  if (file !== '-') return fileInput(file);
  if (stdin.isTTY) {
    throw new ChartError('USAGE', 'a bundle is not read from a terminal', {
      hint: 'Name a file, or use a pipe: ssh HOST chart bundle REF... -o - | chart unbundle -',
    });
  }
  return { label: 'standard input', open: () => stdin };
}
