/** Too few and too many arguments: one form for all commands, which says which argument, how the command is used, and where more is said. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS, type CommandEntry } from '../../src/cli/command-table.js';
import { createContext } from '../../src/cli/context.js';
import { errorText } from '../../src/cli/error-text.js';
import { buildProgram } from '../../src/cli/program.js';

const context = createContext();
after(() => context.close());

/** What is printed where the command ends before it has begun. */
async function said(args: readonly string[]): Promise<string> {
  const program = await buildProgram(context, args);
  const error = await program.parseAsync([...args], { from: 'user' }).catch((fault: unknown) => fault);
  return errorText(error, false, context.spell);
}

function paths(entries: readonly CommandEntry[], before: readonly string[] = []): string[][] {
  return entries.flatMap(({ name, load, children = [] }) => [
    ...(load ? [[...before, name]] : []),
    ...paths(children, [...before, name]),
  ]);
}

/** Commands that do something without an argument. */
const BARE = ['list', 'verify', 'prune', 'serve', 'mirror init'];
/** Commands that take any number. */
const MANY = ['save', 'export', 'remove', 'push', 'pull', 'verify', 'bundle', 'bundle verify', 'images'];

const inForm = (command: string): RegExp =>
  new RegExp(
    `^Error: "chart ${command}" (?:requires|accepts) [^\\n]*arguments?(?:, or -f FILE)?\\n` +
      '[^\\n]+\\n' +
      `Usage: {2}chart ${command} [^\\n]*\\n(?: {8}chart [^\\n]*\\n)*` +
      `\\(chart ${command} --help shows how it is used\\)\\n$`,
  );

for (const path of paths(COMMANDS)) {
  const command = path.join(' ');
  if (!BARE.includes(command)) {
    test(`chart ${command} without arguments is told in the form of all commands`, async () => {
      const stderr = await said(path);
      assert.match(stderr, inForm(command));
      assert.match(stderr, /\n[A-Z|]+(?: and [A-Z]+)? (?:is|are) missing/);
    });
  }
  if (!MANY.includes(command)) {
    test(`chart ${command} with too many arguments is told in the form of all commands`, async () => {
      assert.match(await said([...path, 'bash', 'b:1', 'c:1', 'd:1']), inForm(command));
    });
  }
}

const MEANT: readonly (readonly [args: readonly string[], line: string])[] = [
  [['tags'], 'Usage:  chart tags REPO [options]'],
  [['tags', 'list', 'r.example.com/team/app'], 'Did you mean chart tags r.example.com/team/app?'],
  [['serve', './'], 'Did you mean chart serve --cache-dir ./?'],
  [['serve', '5001'], 'Did you mean chart serve --port 5001?'],
  [['serve', 'localhost:5001'], 'Did you mean chart serve --addr localhost:5001?'],
  [['unbundle', 'a.tar', 'b.tar'], 'One bundle at a time: chart unbundle a.tar && chart unbundle b.tar'],
  [
    ['registry', 'login', 'r.example.com', 'ann', 'secret'],
    'A user name is given with -u, a password with --password-stdin: chart registry login r.example.com -u ann --password-stdin',
  ],
  [
    ['save', 'my charts/App'],
    "REF is missing, the name that it gets: chart save 'my charts/App' HOST/PATH, such as registry.example.com/app",
  ],
  [['save', 'r.example.com/team/app'], 'PATH is missing: chart save PATH r.example.com/team/app'],
  [['save', 'a', 'b', 'localhost:5000/team'], 'Write chart save a b --to localhost:5000/team'],
  [['save', 'a', './b', './c'], 'Write chart save a ./b ./c --to HOST/PATH'],
  [['tag', 'r.example.com/app:1'], 'DST is missing, its second name: chart tag r.example.com/app:1 DST'],
  [['tag', 'a:1', 'b:1', 'c:1'], 'c:1 is not taken: one chart gets one second name at a time'],
  [['show', 'values'], 'REF is missing, a chart in the cache: chart show values REF'],
  [
    ['mirror', 'https://charts.example.com'],
    'DST is missing: chart mirror https://charts.example.com cache, or oci://HOST/PREFIX instead of cache',
  ],
  [['mirror', 'cache', 'x.bundle.tar', '--to', 'y.bundle.tar'], 'Leave out one of them.'],
  [['bundle', 'r.example.com/a:*', 'all.tar'], "Write chart bundle 'r.example.com/a:*' -o all.tar"],
];

for (const [args, line] of MEANT) {
  test(`chart ${args.join(' ')}`, async () => {
    const stderr = await said(args);
    assert.ok(stderr.split('\n').includes(line), stderr);
  });
}

test('help shows arguments as the usage line has them, and what must be given without brackets', async () => {
  for (const [name, usage] of [
    ['push', 'push REF... [options]'],
    ['images', 'images PATH|REF... [options]'],
    ['tags', 'tags REPO [options]'],
    ['verify', 'verify [REF...] [options]'],
  ] as const) {
    const program = await buildProgram(context, [name]);
    const help = (program.commands.find((command) => command.name() === name) as Command).helpInformation();
    assert.ok(help.startsWith(`Usage: chart ${usage}\n`), help);
    assert.ok(help.includes(`\nArguments:\n  ${/[A-Z|]+/.exec(usage)?.[0]} `), help);
  }
});

test('help of several commands lists them before the options', async () => {
  for (const path of [[], ['registry'], ['mirror']]) {
    const program = await buildProgram(context, path);
    const command = path.length === 0 ? program : program.commands.find((one) => one.name() === path[0]);
    const headings = (command as Command).helpInformation().match(/^\S.*:$/gm) ?? [];
    const first = headings.findIndex((heading) => /Options:$/.test(heading));
    assert.ok(first > 0 && headings.slice(first).every((heading) => /Options:$/.test(heading)), headings.join());
  }
});

test('--version before a command is of this program, and behind it is not, nor in its help', async () => {
  const flags = async (...args: string[]): Promise<string[]> =>
    (await buildProgram(context, args)).options.map((option) => option.flags).filter((text) => text.startsWith('-V'));
  assert.deepEqual(await flags(), ['-V, --version']);
  assert.deepEqual(await flags('--version', 'pull', 'a/b:1'), ['-V, --version']);
  assert.deepEqual(await flags('push', '--help'), ['-V']);
  assert.deepEqual(await flags('help', 'push'), ['-V']);
});
