/** What `registry login` asks for: Ctrl-C ends it at once, and an end of the input leaves the terminal on a new line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { chartCommand } from '../helpers/run.js';
import { missingTerminal, runOnTerminal } from '../helpers/terminal.js';

const LOGIN = [...chartCommand(), 'registry', 'login', 'localhost:1'];
const CTRL_C = '\u0003';

test('Ctrl-C at either prompt cancels', { skip: missingTerminal() }, async (t) => {
  const home = temporaryDirectory(t);
  for (const [type, shown] of [
    [[CTRL_C], 'Username: ^C\r\nCancelled.\r\n'],
    [['me\n', `half${CTRL_C}`], 'Username: me\r\nPassword: \r\nCancelled.\r\n'],
  ] as const) {
    const { screen, exit } = await runOnTerminal(LOGIN, { home, type, output: 'terminal' });
    assert.deepEqual([screen, exit], [shown, 130]);
  }
});

test('input that ends before the answer leaves the error on a line of its own', {
  skip: missingTerminal(),
}, async () => {
  const command = ['sh', '-c', '"$@" < /dev/null', 'sh', ...LOGIN];
  const { screen, exit } = await runOnTerminal(command, { type: [], output: 'terminal' });
  assert.match(screen, /^Username: \r\nError: .*standard input has ended\r\n.*--password-stdin/);
  assert.equal(exit, 1);
});
