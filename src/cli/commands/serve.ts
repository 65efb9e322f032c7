import { existsSync } from 'node:fs';
import { ChartError } from '../../errors.js';
import type { AccessRecord } from '../../server/access-record.js';
import type { Handler } from '../../server/handler.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { readOptions } from '../options.js';
import { openServeFiles } from '../serve-files.js';
import {
  type Address,
  addressOf,
  addServeOptions,
  checkServeOptions,
  limitsOf,
  type ServeOptions,
  timeoutsOf,
} from '../serve-options.js';
import { printable, printableLines } from '../text.js';

export const configure: Configure = (command, context) => {
  addServeOptions(command).addHelpText(
    'after',
    `
Serves until it is interrupted. What other commands save or remove meanwhile is seen at once. The first line on standard
output is "Listening on URL".

Examples:
  chart serve
  chart serve --port 0 --writable --cache-dir ./registry
  chart serve --public https://charts.example.com
  chart serve --addr 0.0.0.0:5000 --tls-cert tls.crt --tls-key tls.key --htpasswd users --writable --anonymous-read`,
  );
  command.action(async () => {
    const { options, settings } = readOptions<ServeOptions>(command, context);
    checkServeOptions(options);
    const address = await chooseAddress(context, options);
    const files = await openServeFiles(context, options);
    const [{ createHandler }, { startServer }, { createMetrics }, pages, { openCatalog }, { createSite }] =
      await Promise.all([
        import('../../server/handler.js'),
        import('../../server/server.js'),
        import('../../server/metrics.js'),
        import('../../server/pages.js'),
        import('../../operations/catalog.js'),
        import('../../site/site.js'),
      ]);
    const writable = options.writable ?? false;
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: !writable, mayBeNew: writable });
    // What cannot be read now is said now, not to the first client. A directory that is not there yet is an empty cache.
    await layout.readIndex();
    const names = { prefix: options.prefix, prefer: options.prefer };
    const metrics = createMetrics({
      openRequests: () => handler.openRequests,
      openUploads: () => handler.openUploads,
    });
    const catalog = openCatalog(layout, names);
    const log = await openAccessLog(context, options, settings.debug);
    const handler = createHandler(layout, {
      writable,
      ...names,
      limits: limitsOf(options),
      access: files.access,
      probes: pages.createProbes(async () => {
        if (context.signal.aborted) throw new Error('the server is about to stop');
        await layout.readIndex();
      }),
      site: pages.joinSites(
        pages.createPages({ '/metrics': metrics.page }),
        createSite(catalog, { publicUrl: options.public }),
      ),
      onError: (error) => {
        metrics.onFault();
        context.stderr.write(printableLines(`error: ${describe(error, settings.debug)}\n`));
      },
      onRequest: (record) => {
        metrics.onRequest(record);
        log?.(record);
      },
    });
    const server = await startServer({
      handler,
      ...address,
      tls: files.tls,
      timeouts: timeoutsOf(options),
      maxHeaderSize: options.maxHeaderSize,
      maxConnections: options.maxConnections,
      onTlsClient: tlsReporter(context),
    });
    files.onTls((pair) => server.renewTls(pair));
    context.stdout.write(`Listening on ${server.url}\n`);
    // While nobody waits for it; what cannot be read is told to who asks.
    if (existsSync(layout.dir)) catalog.read().catch(() => undefined);
    if (writable) sweepUploads(context, handler, options.uploadTimeout);
    await untilStopped(context);
    // After the ^C that a terminal shows.
    if (context.stderr.isTerminal && context.signalExitCode === 130) context.stderr.write('\n');
    await server.close();
  });
};

/** Warns of clients that speak TLS, once an hour at most: some (skopeo) try TLS first, and go on with HTTP. */
function tlsReporter(context: Context): (address: string) => void {
  let quietUntil = 0;
  return (address) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + 3_600_000;
    context.printWarning(
      `${address} speaks TLS, and this is plain HTTP: have the client use http:// (--plain-http), or serve HTTPS with --tls-cert and --tls-key`,
    );
  };
}

/** Milliseconds between two looks for uploads that were given up. */
const SWEEP_INTERVAL = 10 * 60_000;

/** Now, for those of a server that was killed, and again and again. */
function sweepUploads(context: Context, handler: Handler, uploadTimeout: number): void {
  const sweep = (): void => {
    handler
      .sweepUploads()
      .catch((error: Error) => context.printWarning(`uploads are not cleaned up: ${error.message}`));
  };
  const timer = setInterval(sweep, Math.max(1000, Math.min(uploadTimeout, SWEEP_INTERVAL)));
  context.onClose(() => clearInterval(timer));
  sweep();
}

/** @throws ChartError `USAGE` where the address would let others write unasked */
async function chooseAddress(context: Context, options: ServeOptions): Promise<Address> {
  const { addressesOf, isLoopback } = await import('../../server/addresses.js');
  const { host, port } = addressOf(options);
  const addresses = await addressesOf(host);
  if (addresses.length > 0 && addresses.every(isLoopback)) return { host, port };
  if (options.writable && options.htpasswd === undefined && !options.insecureAllowAnonymousWrite) {
    throw new ChartError('USAGE', `others reach ${host}, and everybody could push and delete`, {
      hint: 'Ask for passwords with --htpasswd FILE, leave out --writable, or say --insecure-allow-anonymous-write.',
    });
  }
  if (options.htpasswd !== undefined && options.tlsCert === undefined) {
    context.printWarning('passwords go over the network unencrypted unless a proxy in front of this serves HTTPS');
  }
  return { host, port };
}

/** What writes a line for each request, if any is wanted. */
async function openAccessLog({ stdout, stderr }: Context, { accessLog }: ServeOptions, debug: boolean) {
  const { formatAccess } = await import('../../server/access-log.js');
  if (accessLog !== undefined) return (record: AccessRecord) => stdout.write(formatAccess(record, accessLog));
  if (!debug) return undefined;
  return ({ method, url, status, durationMs }: AccessRecord) =>
    stderr.write(printable(`debug: ${method} ${url} ${status} ${Math.round(durationMs)} ms`) + '\n');
}

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
