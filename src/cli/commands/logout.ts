import type { Configure } from '../configure.js';
import { readOptions } from '../options.js';

export const configure: Configure = (command, context) => {
  command.argument('<host>', 'HOST[:PORT] of the registry, as it was given to login').addHelpText(
    'after',
    `
The host is removed from every credential file of Helm, or from the one that --registry-config names.

Example:
  chart registry logout registry.example.com`,
  );
  command.action(async (host: string) => {
    const { settings } = readOptions<object>(command, context);
    const { logoutRegistry } = await import('../../operations/login.js');
    await logoutRegistry({ files: settings.logoutFiles, signal: context.signal }, host);
    context.stdout.write('Logout succeeded\n');
  });
};
