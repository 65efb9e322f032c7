import { ChartError } from '../../errors.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { readOptions } from '../options.js';
import { printable, printableLines } from '../text.js';

interface ServeOptions {
  readonly addr: string;
  readonly writable?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .option('--addr <host:port>', 'where to listen; port 0 takes a free one', '127.0.0.1:5000')
    .option('--writable', 'let clients push and delete')
    .addHelpText(
      'after',
      `
Serves until it is interrupted. What other commands save or remove meanwhile is seen at once. The first line on standard
output is "Listening on URL".

Examples:
  chart serve
  chart serve --addr 127.0.0.1:0 --writable --cache-dir ./registry`,
    );
  command.action(async () => {
    const { options, settings } = readOptions<ServeOptions>(command, context);
    const address = parseAddress(options.addr);
    const [{ createHandler }, { startServer }, { openCatalog }, { createSite }] = await Promise.all([
      import('../../server/handler.js'),
      import('../../server/server.js'),
      import('../../operations/catalog.js'),
      import('../../site/site.js'),
    ]);
    const writable = options.writable ?? false;
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: !writable });
    const handler = createHandler(layout, {
      writable,
      site: createSite(openCatalog(layout)),
      onError: (error) => context.stderr.write(printableLines(`error: ${describe(error, settings.debug)}\n`)),
      ...(settings.debug && {
        onRequest: ({ method, url, status, durationMs }) =>
          context.stderr.write(printable(`debug: ${method} ${url} ${status} ${Math.round(durationMs)} ms`) + '\n'),
      }),
    });
    const server = await startServer({ handler, ...address });
    context.stdout.write(`Listening on ${server.url}\n`);
    await untilStopped(context);
    await server.close();
  });
};

function describe(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  return debug ? (error.stack ?? error.message) : error.message;
}

/** Resolves at SIGINT or SIGTERM: for a server that is the ordinary end. */
function untilStopped({ signal }: Context): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[^:\s]*)):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.port);
  if (!match || port > 65535) {
    throw new ChartError('USAGE', `${JSON.stringify(text)} is not HOST:PORT`, {
      hint: 'Write 127.0.0.1:5000, [::1]:5000, or 127.0.0.1:0 for a free port.',
    });
  }
  return { host: match.groups?.v6 ?? (match.groups?.name || '127.0.0.1'), port };
}
