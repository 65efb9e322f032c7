import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireTools } from '../helpers/docker-registry.js';
import { REAL_CHARTS } from '../helpers/fixtures.js';
import { runChart } from '../helpers/run.js';
import { completeIn } from '../helpers/shells.js';

let home: string;
let cwd: string;

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'chart-completion-'));
  cwd = join(home, 'here');
  mkdirSync(join(cwd, 'mychart'), { recursive: true });
  writeFileSync(join(cwd, 'myfile.txt'), '');
  const [webshop = ''] = REAL_CHARTS;
  await runChart(['save', webshop, 'localhost:5000/team/webshop:3.2.1'], { home });
  await runChart(['save', webshop, 'registry.example.com/other:1.0.0'], { home });
  const config = join(home, '.config', 'helm', 'registry');
  mkdirSync(config, { recursive: true });
  writeFileSync(join(config, 'config.json'), '{"auths":{"registry.example.com":{"auth":"bWU6c2VjcmV0"}}}');
});

after(() => rmSync(home, { recursive: true, force: true }));

async function ask(...words: string[]): Promise<string[]> {
  const { stdout, exit } = await runChart(['__complete', ...words], { home, cwd });
  assert.equal(exit, 0);
  return stdout.trimEnd().split('\n');
}

test('offers the references in the cache, repositories, and registries that are logged in to', async () => {
  assert.deepEqual(await ask('export', 'local'), ['localhost:5000/team/webshop:3.2.1', ':4']);
  assert.deepEqual(await ask('export', ''), [
    'localhost:5000/team/webshop:3.2.1',
    'registry.example.com/other:1.0.0',
    ':4',
  ]);
  assert.deepEqual(await ask('save', './mychart', 'reg'), ['registry.example.com/other', ':4']);
  assert.deepEqual(await ask('registry', 'logout', ''), ['registry.example.com', ':4']);
});

test('offers the references of the cache that --cache-dir names', async () => {
  assert.deepEqual(await ask('--cache-dir', join(home, 'empty'), 'export', ''), [':4']);
});

test('says nothing but that there is nothing where the cache or a credential file is broken', async () => {
  const broken = join(home, 'broken');
  mkdirSync(broken);
  writeFileSync(join(broken, 'index.json'), '{');
  const { stdout, stderr, exit } = await runChart(['__complete', '--cache-dir', broken, 'export', ''], { home });
  assert.deepEqual({ stdout, stderr, exit }, { stdout: ':1\n', stderr: '', exit: 0 });
});

test('prints a script for each shell, and names them where another is asked for', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { stdout, exit } = await runChart(['completion', shell]);
    assert.equal(exit, 0);
    assert.match(stdout, /chart __complete/);
  }
  const { stderr, exit } = await runChart(['completion', 'tcsh']);
  assert.equal(exit, 1);
  assert.match(stderr, /bash, zsh, fish, powershell/);
});

for (const shell of ['bash', 'fish'] as const) {
  describe(shell, { skip: requireTools(shell) }, () => {
    test('completes commands, choices, references with their colons, files and directories', async () => {
      const at = { home, cwd };
      const first = async (line: string): Promise<string[]> =>
        (await completeIn(shell, line, at)).map((found) => found.split('\t', 1)[0] as string).sort();
      assert.deepEqual(await first('chart exp'), ['export']);
      assert.deepEqual(await first('chart list --output js'), ['json']);
      assert.deepEqual(
        await first('chart save my'),
        shell === 'bash' ? ['mychart', 'myfile.txt'] : ['mychart/', 'myfile.txt'],
      );
      assert.deepEqual(await first('chart --cache-dir my'), shell === 'bash' ? ['mychart'] : ['mychart/']);
      // Bash replaces what follows the last colon, other shells the whole word.
      assert.deepEqual(
        await first('chart export localhost:5000/t'),
        shell === 'bash' ? ['5000/team/webshop:3.2.1'] : ['localhost:5000/team/webshop:3.2.1'],
      );
      assert.deepEqual(
        await first('chart export localhost:5000/team/webshop:3'),
        shell === 'bash' ? ['3.2.1'] : ['localhost:5000/team/webshop:3.2.1'],
      );
    });

    test('runs nothing of what is being typed', async () => {
      await completeIn(shell, 'chart export $(touch ran) `touch ran` ', { home, cwd });
      assert.deepEqual(await completeIn(shell, 'chart save ra', { home, cwd }), []);
    });
  });
}

describe('zsh', { skip: requireTools('zsh') }, () => {
  test('completes commands, choices, references with their colons, and files', async () => {
    const typed = (line: string): Promise<string[]> => completeIn('zsh', line, { home, cwd });
    assert.deepEqual(await typed('chart exp'), ['chart export ']);
    assert.deepEqual(await typed('chart list --output=js'), ['chart list --output=json ']);
    assert.deepEqual(await typed('chart export localhost:5000/t'), ['chart export localhost:5000/team/webshop:3.2.1 ']);
    assert.deepEqual(await typed('chart save myf'), ['chart save myfile.txt ']);
  });
});
