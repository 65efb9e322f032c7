/**
 * The plugin as Helm runs it. Helm itself is not needed: what it does is start the command of plugin.yaml with its
 * environment, take out its own options, and run plugin.complete at a Tab.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { extract } from 'tar';
import { parse } from 'yaml';
import { PROJECT, REAL_CHARTS } from '../helpers/fixtures.js';
import { type RunResult, runProgram } from '../helpers/run.js';

const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
let work: string;

before(() => {
  // With a blank, as in the home directories of many.
  work = mkdtempSync(join(tmpdir(), 'chart plugin '));
  pack();
});

after(() => rmSync(work, { recursive: true, force: true }));

test('packs the same bytes again', () => {
  const digests = () =>
    ['helm3', 'helm4'].map((helm) =>
      createHash('sha256')
        .update(readFileSync(archiveFor(helm)))
        .digest('hex'),
    );
  const first = digests();
  pack();
  assert.deepEqual(digests(), first);
});

for (const [helm, folder] of [
  ['helm3', '.'],
  ['helm4', 'chart'],
] as const) {
  describe(`as packed for ${helm}`, () => {
    let plugin: string;
    let home: string;

    before(async () => {
      const where = join(work, helm);
      mkdirSync(where);
      await extract({ file: archiveFor(helm), cwd: where });
      plugin = join(where, folder);
      home = join(where, 'home');
      mkdirSync(home);
    });

    /** Runs `helm chart ARGS`. */
    function helmChart(...args: string[]): Promise<RunResult> {
      return runProgram([...commandOf(plugin), ...args], { home, env: helmEnvironment(home, plugin) });
    }

    test('its hook finds it complete', async () => {
      const { stdout, exit } = await runProgram([process.execPath, join(plugin, 'plugin', 'prepare.mjs')], { home });
      assert.deepEqual([stdout, exit], ['Run "helm chart --help" to see the commands.\n', 0]);
    });

    test("saves into Helm's cache, lists and removes", async () => {
      const [chart = ''] = REAL_CHARTS;
      const saved = await helmChart('save', chart, 'localhost:5000/team/webshop:3.2.1');
      assert.equal(saved.exit, 0, saved.stderr);
      assert.ok(existsSync(join(home, 'cache', 'registry', 'cache', 'index.json')));
      assert.match((await helmChart('list', '-q')).stdout, /^localhost:5000\/team\/webshop:3\.2\.1$/m);
      assert.equal((await helmChart('remove', 'localhost:5000/team/webshop:3.2.1')).exit, 0);
    });

    test('has the pages of the manual', async () => {
      const { stdout, exit } = await helmChart('help', 'cache');
      assert.equal(exit, 0);
      assert.match(stdout, /^The cache\n/);
      assert.match(stdout, /\$ helm chart verify$/m);
      assert.match((await helmChart('help', 'topics')).stdout, /^Topics, for helm chart help TOPIC:\n {2}air-gap /);
    });

    test('calls itself helm chart in usage, examples, errors and hints', async () => {
      const help = await helmChart('save', '--help');
      assert.match(help.stdout, /^Usage: helm chart save /m);
      assert.match(help.stdout, /^ {2}helm chart save /m);
      assert.doesNotMatch(help.stdout, /(?<!helm )\bchart (?:save|list)\b/);
      const unknown = await helmChart('lst');
      assert.equal(unknown.exit, 1);
      assert.match(unknown.stderr, /helm chart --help/);
      const absent = await helmChart('show', 'chart', 'localhost:5000/team/absent:1.0.0');
      assert.match(
        absent.stderr,
        /^helm chart list shows what the cache holds; helm chart save and helm chart pull add to it\.$/m,
      );
    });

    test('completes at a Tab', {
      skip: process.platform === 'win32' && 'plugin.complete is a shell script',
    }, async () => {
      const { stdout, exit } = await runProgram([join(plugin, 'plugin.complete'), 'ex'], {
        home,
        env: helmEnvironment(home, plugin),
      });
      assert.equal(exit, 0);
      assert.match(stdout, /^export\b/m);
    });
  });
}

function pack(): void {
  execFileSync(process.execPath, [join(PROJECT, 'scripts', 'plugin.mjs'), join(work, 'packed')], { stdio: 'pipe' });
}

function archiveFor(helm: string): string {
  return join(work, 'packed', helm, `chart-${version}.tgz`);
}

/** The command of either format, cut at blanks before the variables are put in, as Helm does. */
function commandOf(plugin: string): string[] {
  const metadata = parse(readFileSync(join(plugin, 'plugin.yaml'), 'utf8'));
  const [current] = metadata.runtimeConfig?.platformCommand ?? [];
  const words: string[] = current ? [current.command, ...current.args] : metadata.command.split(' ');
  return words.map((word) => (word === 'node' ? process.execPath : word.replace('$HELM_PLUGIN_DIR', () => plugin)));
}

function helmEnvironment(home: string, plugin: string): Record<string, string> {
  return {
    HELM_PLUGIN_NAME: 'chart',
    HELM_PLUGIN_DIR: plugin,
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    HELM_REGISTRY_CONFIG: join(home, 'config', 'registry', 'config.json'),
    HELM_DEBUG: 'false',
    HELM_NAMESPACE: 'default',
  };
}
