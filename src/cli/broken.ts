import type { Listing } from '../operations/list.js';
import type { Context } from './context.js';
import { printable } from './text.js';

/** Says which entries a listing had to leave out, and why. */
export function warnOfBroken(context: Context, { broken }: Pick<Listing, 'broken'>): void {
  for (const { ref, error } of broken) {
    context.printWarning(`left out ${printable(ref)}: ${printable(error.message)}`);
  }
}
