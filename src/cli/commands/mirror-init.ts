import { ChartError } from '../../errors.js';
import type { Configure } from '../configure.js';
import { readOptions } from '../options.js';
import { printable } from '../text.js';

export const configure: Configure = (command, context) => {
  command
    .argument('[file]', 'the file to write', 'mirror.yaml')
    .option('--force', 'write over a file that is there')
    .addHelpText(
      'after',
      `
Beside it comes mirror.schema.json, by which editors complete the file and mark mistakes in it.

Examples:
  chart mirror init
  chart mirror init site.yaml`,
    );
  command.action(async (file: string) => {
    const { options } = readOptions<{ force?: boolean }>(command, context);
    const { writeExample } = await import('../../operations/mirror/example.js');
    const written = await writeExample(file, { force: options.force ?? false });
    if (written.length === 0)
      throw new ChartError('USAGE', `${file} is there already`, { hint: '--force writes over it.' });
    for (const path of written) context.stdout.write(`Wrote ${printable(path)}\n`);
  });
};
