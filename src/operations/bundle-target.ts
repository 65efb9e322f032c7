/**
 * A bundle as something to copy to. Its index comes before its blobs, so what is copied gathers in a cache beside the file,
 * `FILE.incoming/`, until all is there. An interrupted copy finds it again and goes on.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { compressionFor } from '../bundle/compression.js';
import { fileInput } from '../bundle/input.js';
import { ChartError } from '../errors.js';
import { type Layout, openLayout } from '../layout/layout.js';
import type { CallOptions } from '../oci/target.js';
import { planBundles, type WrittenBundle, writeBundles } from './bundle.js';
import { unbundle } from './unbundle.js';

export interface BundleTarget {
  /** Where to copy to, and what it holds already. A name is a whole reference. */
  readonly layout: Layout;
  /** Writes the file anew, with all that is named in the layout and what is about it, and removes what was gathered. */
  finish(): Promise<WrittenBundle>;
  /** Keeps what was gathered for the next time. */
  close(): Promise<void>;
}

/**
 * Begins with what the file has already.
 *
 * @throws ChartError `USAGE` for a file name that no bundle can have; what is wrong with the file that is there
 */
export async function openBundleTarget(file: string, { signal }: CallOptions = {}): Promise<BundleTarget> {
  compressionFor(file);
  const directory = `${file}.incoming`;
  const isNew = !existsSync(directory);
  const layout = openLayout(directory);
  if (isNew && existsSync(file)) {
    const { outcomes, fault } = await unbundle({ layout, signal }, { input: fileInput(file) }, () => {});
    const problem = fault ?? outcomes.find(({ error }) => error)?.error;
    if (problem) {
      await layout.close();
      await rm(directory, { recursive: true, force: true });
      throw problem.code === 'BUNDLE_INCOMPLETE' ? notAddedTo(file, problem) : problem;
    }
  }
  return {
    layout,
    async finish() {
      const index = await layout.readIndex();
      const refs = index.flatMap(({ name }) => (name === undefined || name.includes('@') ? [] : [name]));
      const { outcomes, plans } = await planBundles({ layout, signal }, { refs, referrers: true });
      const problem = outcomes.find(({ error }) => error)?.error;
      if (problem) throw problem;
      const [written] = await writeBundles({ layout, signal }, plans, file);
      await layout.close();
      await rm(directory, { recursive: true, force: true });
      return written as WrittenBundle;
    },
    close: () => layout.close(),
  };
}

function notAddedTo(file: string, cause: ChartError): ChartError {
  return new ChartError(cause.code, `${file} cannot be added to: ${cause.message}`, {
    hint: 'Only a whole bundle can: name another file, or one that was made without --since.',
    cause,
  });
}
