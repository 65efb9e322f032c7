/**
 * A mirror that is killed again and again ends complete, and the target never names what is not whole. CHART_TEST_SOAK=N kills it 4 + N
 * times during a mirror of 28 * (N + 1) charts, 280 at most.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { indexOf, packCharts, startClassicServer } from '../helpers/classic-repository.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

const SOAK = Number(process.env.CHART_TEST_SOAK ?? 0);
const KILLS = 4 + SOAK;
const CHARTS = Math.min(28 * (SOAK + 1), 280);

it(`goes on where it was killed, ${KILLS} times`, { timeout: 3_600_000 }, async (t) => {
  const home = temporaryDirectory(t);
  const names = Array.from({ length: CHARTS }, (_, i) => ({
    name: `c${i % 40}`,
    version: `1.${Math.floor(i / 40)}.0`,
  }));
  const charts = await packCharts(home, names);
  const classic = await startClassicServer(t);
  classic.put('/index.yaml', indexOf(charts));
  for (const { file, bytes } of charts) classic.put(`/${file}`, bytes);
  const source = join(home, 'source');
  const filled = await runChart(['mirror', classic.url, 'cache:x', '--cache-dir', source, '-q'], {
    home,
    timeout: 600_000,
  });
  assert.equal(filled.exit, 0, filled.stderr);
  let killed = 0;
  let round = 0;
  while (killed < KILLS) {
    round += 1;
    const storage = join(home, `target${round}`);
    const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', storage]);
    t.after(() => server.stop());
    const [, host = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
    const args = ['mirror', 'cache:x', `oci://${host}/c`, '--cache-dir', source, '-o', 'json'];
    const present = async (): Promise<string[]> => {
      const { stdout } = await runChart(['list', '-q', '--cache-dir', storage], { home });
      return stdout.split('\n').filter(Boolean);
    };
    let there: string[] = [];
    for (let complete = false; !complete; ) {
      const run = startChart(args, { home });
      if (killed < KILLS) {
        await pause(300 + Math.random() * 900);
        run.child.kill('SIGKILL');
      }
      const { signal, exit, stdout, stderr } = await run.ended;
      if (signal === 'SIGKILL') {
        killed += 1;
        // Whatever has a name is whole.
        const verified = await runChart(['list', '-o', 'json', '--cache-dir', storage], { home });
        assert.equal(verified.exit, 0, verified.stderr);
        assert.equal(verified.stderr, '');
        there = await present();
        continue;
      }
      assert.equal(exit, 0, stderr);
      const { summary, charts: told } = JSON.parse(stdout);
      assert.equal(summary.copied + summary.present, CHARTS);
      const copied = told.filter(({ status }: { status: string }) => status === 'copied');
      const again = copied.filter(({ name, version }: { name: string; version: string }) =>
        there.some((ref) => ref.endsWith(`/${name}:${version}`)),
      );
      assert.deepEqual(again, [], 'what was there was copied again');
      complete = true;
    }
    assert.equal((await present()).length, CHARTS);
    await server.stop();
    await assertValidLayout(storage);
  }
});
