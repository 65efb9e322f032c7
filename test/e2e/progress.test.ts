/** What a terminal shows while charts are on their way. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { listen } from '../helpers/listen.js';
import { chartCommand, runChart, startChart } from '../helpers/run.js';
import { missingTerminal, runOnTerminal } from '../helpers/terminal.js';

const noTerminal = missingTerminal();
const skip = noTerminal === undefined ? false : `not installed: ${noTerminal}`;

/** A registry with one chart of a megabyte, which stops for a while in the middle of each large blob. */
async function slowRegistry(t: TestContext, pause: number): Promise<string> {
  const home = temporaryDirectory(t);
  const chart = join(home, 'big');
  mkdirSync(chart);
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: big\nversion: 1.0.0\n');
  writeFileSync(join(chart, 'random'), randomBytes(1024 * 1024));
  await runChart(['save', chart, 'team/big', '--cache-dir', join(home, 'cache')], { home });
  const server = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', join(home, 'cache')]);
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const host = await listen(t, ({ method, url: path, headers }, response) => {
    const onward = request(new URL(path ?? '', url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode as number, answer.headers);
      const size = Number(answer.headers['content-length']);
      if (method === 'HEAD' || !(size > 500_000)) return void answer.pipe(response);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        response.write(body.subarray(0, size / 2));
        setTimeout(() => response.end(body.subarray(size / 2)), pause).unref();
      });
    });
    onward.end();
  });
  return `${host}/team/big:1.0.0`;
}

describe('progress', () => {
  it('is drawn on a terminal, with bytes and a total, above nothing that stays; the cursor comes back', {
    skip,
  }, async (t) => {
    const ref = await slowRegistry(t, 3000);
    const { screen, exit } = await runOnTerminal([...chartCommand(), 'pull', ref], { output: 'terminal', type: [] });
    assert.equal(exit, 0, screen);
    assert.match(screen, /big:1\.0\.0 +(?:49|50)% {2}5\d\d\.\d KiB of 1\.0 MiB/);
    assert.match(screen, /0 of 1, 5\d\d\.\d KiB/);
    const hidden = screen.lastIndexOf('\u001b[?25l');
    assert.ok(hidden >= 0 && screen.lastIndexOf('\u001b[?25h') > hidden, 'the cursor is shown in the end');
    assert.match(screen, /Status: Downloaded newer chart for \S+\r\n(?:\u001b\[\?25h)*$/, 'nothing stays of it');
  });

  it('is not drawn with --no-progress, -q, on a dumb terminal, or where standard error is none', {
    skip,
  }, async (t) => {
    const ref = await slowRegistry(t, 700);
    const draws = async (args: readonly string[], options: object = {}): Promise<boolean> => {
      const { screen, stderr, exit } = await runOnTerminal([...chartCommand(), 'pull', ref, ...args], {
        ...{ output: 'terminal', type: [] },
        ...options,
      });
      assert.equal(exit, 0, screen);
      return /\u001b|%/.test(screen + stderr);
    };
    assert.deepEqual(
      await Promise.all([
        draws(['--no-progress']),
        draws(['-q']),
        draws([], { env: { TERM: 'dumb' } }),
        draws([], { output: 'pipes' }),
      ]),
      [false, false, false, false],
    );
  });

  it('leaves the terminal as it was after Ctrl-C', { skip }, async (t) => {
    const ref = await slowRegistry(t, 600_000);
    const interrupt = 'const n = 1500; setTimeout(() => process.kill(process.pid, "SIGINT"), n)';
    const { screen, exit } = await runOnTerminal([...chartCommand(), 'pull', ref], {
      ...{ output: 'terminal', type: [] },
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(interrupt)}` },
    });
    assert.equal(exit, 130, screen);
    assert.match(screen, /Cancelled\./);
    assert.ok(screen.lastIndexOf('\u001b[?25h') >= screen.lastIndexOf('\u001b[?25l'));
  });
});
