import { ChartError } from '../../errors.js';
import type { IdentityCredentials, PasswordCredentials } from '../../registry/credentials.js';
import type { Configure } from '../configure.js';
import { givenPassword, registryOptions } from '../connect.js';
import type { Context } from '../context.js';
import { addConnectionOptions, type ConnectionOptions, readOptions } from '../options.js';
import { askHidden, askLine } from '../prompt.js';

export const configure: Configure = (command, context) => {
  command.argument('<host>', 'HOST[:PORT] of the registry');
  addConnectionOptions(command).addHelpText(
    'after',
    `
The credentials are tried before they are stored, in Docker's file format and with Docker's credential helpers where the
file names one. An empty user name means that the password is an identity token.

Examples:
  chart registry login registry.example.com
  chart registry login registry.example.com -u me --password-stdin < password.txt`,
  );
  command.action(async (host: string) => {
    const { options, settings } = readOptions<ConnectionOptions>(command, context);
    const credentials = await askCredentials(context, options);
    const { loginRegistry } = await import('../../operations/login.js');
    await loginRegistry(
      {
        file: settings.loginFile,
        connection: registryOptions(context, settings, options),
        signal: context.signal,
        // Helm logs it. On this machine nothing else is to be expected.
        ...(context.debug && { onNotice: (text: string) => context.printWarning(text) }),
      },
      { host, credentials },
    );
    context.stdout.write('Login succeeded\n');
  });
};

/** Asks for what the options leave open, as Helm asks. */
async function askCredentials(
  context: Context,
  options: ConnectionOptions,
): Promise<PasswordCredentials | IdentityCredentials> {
  const password = await givenPassword(context, options);
  const username = options.username || (password === undefined ? await askLine(context, 'Username: ') : '');
  if (password !== undefined) return username === '' ? { identityToken: password } : { username, password };
  const secret = await askHidden(context, username === '' ? 'Token: ' : 'Password: ');
  if (secret === '') throw new ChartError('CREDENTIALS_INVALID', `${username === '' ? 'token' : 'password'} required`);
  return username === '' ? { identityToken: secret } : { username, password: secret };
}
