import type { Configure } from '../configure.js';
import type { Context } from '../context.js';
import { readOptions } from '../options.js';
import type { Settings } from '../settings.js';

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
    await warnOfOthers(context, settings, host);
  });
};

/** Under another name of the host, or in Docker's file, credentials may be left that go on being used. */
async function warnOfOthers(context: Context, settings: Settings, host: string): Promise<void> {
  const { listHosts } = await import('../../registry/credentials.js');
  const { bareHost } = await import('../../registry/endpoint.js');
  for (const file of settings.credentialFiles) {
    const isHelms = settings.logoutFiles.includes(file);
    // A file that cannot be read has been told of, or is not ours.
    for (const other of await listHosts([file]).catch(() => [])) {
      if (bareHost(other) !== bareHost(host) || (isHelms && other === host)) continue;
      const next = `${isHelms ? 'chart registry logout' : 'docker logout'} ${other}`;
      context.printWarning(`${file} still has a login for ${other}, which is used: ${context.spell(next)}`);
    }
  }
}
