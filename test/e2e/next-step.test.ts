/** What somebody reads who typed something a little wrong: each error says the next step. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runChart, startChart } from '../helpers/run.js';

// A bcrypt hash; the password is of no interest.
const USERS = 'ann:$2b$04$Q3xPDPGp7q7rMTXfTdXlRuRzOoIcWtLPvCGtqPbYKCp7zAc9C1eYy\n';

let home: string;
let open: ReturnType<typeof startChart>;
let closed: ReturnType<typeof startChart>;
let host: string;
let login: string;

async function said(...args: string[]): Promise<string> {
  const { stderr, exit } = await runChart(args, { home });
  assert.equal(exit, 1, `${args.join(' ')}: ${stderr}`);
  return stderr;
}

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'chart-next-'));
  mkdirSync(join(home, 'web'));
  writeFileSync(join(home, 'web', 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 0.3.0\n');
  writeFileSync(join(home, 'users'), USERS);
  const serve = (...args: string[]) =>
    startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(home, 'served'), ...args], {
      home,
    });
  open = serve();
  closed = serve('--htpasswd', join(home, 'users'));
  [host, login] = (await Promise.all(
    [open, closed].map(async (server) => (await server.waitFor(/^Listening on http:\/\/(\S+)$/m))[1]),
  )) as [string, string];
  for (const repository of [`${host}/shop/web`, `${login}/shop/web`, 'registry.example.com/shop/web', 'web']) {
    const { exit, stderr } = await runChart(['save', 'web', repository], { home });
    assert.equal(exit, 0, stderr);
  }
  assert.equal((await runChart(['push', `${host}/shop/web:0.3.0`], { home })).exit, 0);
});

after(async () => {
  await Promise.all([open.stop(), closed.stop()]);
  rmSync(home, { recursive: true, force: true });
});

const TYPED: readonly (readonly [args: readonly string[], hint: string])[] = [
  [['pul'], '(Did you mean pull?)'],
  [['registry', 'lgout'], '(Did you mean logout?)'],
  [['list', '--quite'], '(Did you mean --quiet?)'],
  [['list', '-o', 'yml'], '(Did you mean yaml?)'],
  [['registry', 'login', '--plainhttp', 'registry.example.com'], '(Did you mean --plain-http?)'],
  [['bundle', 'ls', '--outptu', 'json', 'x.tar'], '(Did you mean --output?)'],
  [['mirror', 'init', '--quite'], '(Did you mean --quiet?)'],
  [['login', 'registry.example.com'], '(Did you mean chart registry login?)'],
  [['registry.example.com/shop/web:0.3.0'], 'a command comes first: chart pull REF'],
  [['./web'], 'chart save PATH REF brings a chart into the cache'],
  [['show', 'valeus', 'registry.example.com/shop/web:0.3.0'], '(Did you mean values?)'],
  [['show'], 'The parts are chart, values, readme, crds, all, manifest.'],
  [['show', 'values'], 'chart show values REF\n'],
  [['show', 'registry.example.com/shop/web:0.3.0'], 'Write chart show all registry.example.com/shop/web:0.3.0, or'],
  [
    ['show', 'registry.example.com/shop/web:0.3.0', 'crds'],
    'Write chart show crds registry.example.com/shop/web:0.3.0\n',
  ],
  [['completion', 'bsh'], '(Did you mean bash?)'],
  [['bundle', 'verfy', 'x.tar'], 'Did you mean chart bundle verify?'],
  [['export', 'registry.example.com/shop/wbe:0.3.0'], 'Did you mean registry.example.com/shop/web:0.3.0?'],
  [['show', 'values', 'registry.exmple.com/shop/web:0.3.0'], 'Did you mean registry.example.com/shop/web:0.3.0?'],
  [['export', 'registry.example.com/shop/web:0.4.0'], 'The cache has registry.example.com/shop/web:0.3.0.'],
  [['export', './web'], 'chart save PATH REF puts a chart under one'],
  [['push', 'web-0.3.0.tgz'], 'chart save web-0.3.0.tgz HOST/PATH brings it into the cache under one.'],
  [
    ['push', 'web-0.3.0.tgz', 'oci://registry.example.com/shop'],
    'Nothing was pushed. Write chart save web-0.3.0.tgz --to registry.example.com/shop -q | chart push -f -\n',
  ],
  [
    ['push', 'registry.example.com/shop/web:0.3.0', 'oci://other.example.com/shop/'],
    'Nothing was pushed. Write chart tag registry.example.com/shop/web:0.3.0 other.example.com/shop/web:0.3.0, then',
  ],
  [['push', 'web:0.3.0'], 'chart tag web:0.3.0 HOST/web:0.3.0, then push that.'],
  [['unbundle', 'registry.example.com/shop/web:0.3.0'], 'chart pull registry.example.com/shop/web:0.3.0 brings'],
  [['push', './web-0.3.0.tgz'], 'That is a path. A reference is [oci://]HOST'],
  [['save', 'registry.example.com/shop/web', './web'], 'Write chart save ./web registry.example.com/shop/web\n'],
  [
    ['save', './wbe', 'registry.example.com/shop/web'],
    'A chart is a directory with a Chart.yaml, or a packed chart (.tgz).',
  ],
  [
    ['pull', 'https://registry.example.com/shop/web:1'],
    'Write it without the scheme: registry.example.com/shop/web:1\n',
  ],
  [
    ['pull', 'https://charts.example.com/shop/web-1.0.0.tgz'],
    'chart mirror https://charts.example.com/shop cache brings',
  ],
  [
    ['pull', 'https://charts.example.com/shop'],
    'Write it without the scheme: charts.example.com/shop:TAG. chart mirror https://charts.example.com/shop',
  ],
  [['pull', 'stable/nginx'], 'From a chart repository: chart mirror URL cache --include nginx\n'],
  [['bundle', 'registry.example.com/nothing:*', '-o', 'x.tar'], "chart list 'registry.example.com/nothing:*' shows"],
  [['pull', 'web'], 'Write HOST/web:TAG, such as registry.example.com/web:1.0.0.'],
  [['pull', 'web:0.3.0'], 'Write the registry before it: HOST/web:0.3.0, such as registry.example.com/web:0.3.0.\n'],
  [['tags', 'web'], 'Write the registry before it: HOST/web, such as registry.example.com/web.\n'],
  [['tags', 'http://localhost:1/shop/web'], 'Write it without the scheme: localhost:1/shop/web. chart mirror http'],
  [['push', '--all'], "(for all, a pattern in quotes: 'HOST/PATH/*', or '*')"],
  [['pull', '-d', 'out', 'registry.example.com/shop/web:1'], '(chart export REF -d DIR writes a chart of the cache'],
  [['show', 'values', 'web:0.3.0', '--version', '0.3.0'], '(the version of a chart is the tag of its reference'],
  [['export', 'web:0.3.0', '-o', 'out'], '(the directory to export to is given with -d: chart export REF -d out)'],
  [['save', 'oci://r.example.com/shop/web:1', 'r.example.com/x'], 'chart pull oci://r.example.com/shop/web:1\n'],
  [
    ['save', 'https://charts.example.com/stable/web-app-1.0.0.tgz', 'r.example.com/x'],
    'chart mirror https://charts.example.com/stable cache --include web-app\n',
  ],
  [['unbundle', 'https://charts.example.com/all.tar'], 'curl -fsSL URL | chart unbundle -\n'],
  [['verify', '--fix'], '(Did you mean --repair?)'],
  [['dependency', 'update'], '(Did you mean helm dependency?)'],
];

for (const [args, hint] of TYPED) {
  test(`chart ${args.join(' ')}`, async () => {
    const stderr = await said(...args);
    assert.ok(stderr.includes(hint), stderr);
  });
}

test('a name without its registry is found in each', async () => {
  assert.match(await said('export', 'shop/web:0.3.0'), /^Did you mean \S+\/shop\/web:0\.3\.0 or \S+/m);
});

test('a name that is like none suggests nothing', async () => {
  assert.doesNotMatch(await said('export', 'registry.example.org/other/thing:9'), /Did you mean/);
});

test('a tag that is not there, or is not named, leads to the tags', async () => {
  const next = `chart tags ${host}/shop/web lists`;
  for (const reference of [`${host}/shop/web:9.9.9`, `${host}/shop/web`]) {
    const stderr = await said('pull', reference);
    assert.ok(stderr.includes(next), stderr);
  }
  assert.match(await said('tags', `${host}/shop/absent`), /not found\nCheck the name\. .* chart registry login /);
});

test('a registry that wants a login is named with the command that logs in', async () => {
  const reference = `${login}/shop/web:0.3.0`;
  for (const args of [
    ['pull', reference],
    ['push', reference],
    ['tags', `${login}/shop/web`],
    ['mirror', `oci://${login}/shop/web`, '--to', `oci://${host}/copy`],
  ]) {
    const stderr = await said(...args);
    assert.ok(stderr.includes(`chart registry login ${login}`), `${args.join(' ')}: ${stderr}`);
  }
});

test('export writes nothing where an argument is no reference, and says how a directory is given', async () => {
  const cwd = mkdtempSync(join(home, 'here-'));
  mkdirSync(join(cwd, 'web'));
  writeFileSync(join(cwd, 'web', 'values.yaml'), 'mine: true\n');
  const { exit, stdout, stderr } = await runChart(['export', 'registry.example.com/shop/web:0.3.0', './out'], {
    home,
    cwd,
  });
  assert.deepEqual([exit, stdout], [1, '']);
  assert.match(stderr, /Nothing was exported\..*-d \.\/out/);
  assert.deepEqual(readdirSync(cwd), ['web']);
  assert.deepEqual(readdirSync(join(cwd, 'web')), ['values.yaml']);
});

test("a chart's directory that is taken for a reference is told with how it gets one", async () => {
  mkdirSync(join(home, 'shop'));
  writeFileSync(join(home, 'shop', 'Chart.yaml'), '');
  const { stderr } = await runChart(['tag', 'shop', 'registry.example.com/shop:1'], { home, cwd: home });
  assert.match(stderr, /^shop is a chart's directory, not a reference\. chart save shop HOST\/PATH brings it /m);
});

test('a range that nothing fits is told, and not an empty list alone', async () => {
  const { exit, stderr } = await runChart(['tags', `${host}/shop/web`, '--version', '^9'], { home });
  assert.deepEqual(
    [exit, stderr],
    [0, `Warning: ${host}/shop/web has no version that fits ^9; chart tags ${host}/shop/web shows all\n`],
  );
});

test('a word that no host has is told as one that was taken for a host', async () => {
  for (const args of [
    ['pull', 'no-such-host-here/web:0.3.0'],
    ['tags', 'no-such-host-here/web'],
  ]) {
    const stderr = await said(...args);
    assert.match(
      stderr,
      /^no-such-host-here is taken for the registry: .* as in registry\.example\.com\/no-such-host-here\/web/m,
    );
  }
});

test('a logout names the logins that are left', async () => {
  const file = join(home, 'left.json');
  const names = [
    'http://registry.example.com/',
    'https://registry.example.com/v1',
    'other.example.com',
    'registry.example.com',
  ];
  writeFileSync(file, JSON.stringify({ auths: Object.fromEntries(names.map((name) => [name, { auth: 'YTpi' }])) }));
  const args = ['registry', 'logout', 'registry.example.com', '--registry-config', file];
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.deepEqual([exit, stdout], [0, 'Logout succeeded\n']);
  assert.deepEqual(
    stderr.match(/(?<=which is used: ).*/g),
    ['http://registry.example.com/', 'https://registry.example.com/v1'].map((name) => `chart registry logout ${name}`),
  );
});

test('a token where a password is wanted leads to the user name', async () => {
  const args = ['registry', 'login', login, '--password-stdin'];
  const { stderr } = await runChart(args, { home, stdin: 'secret\n' });
  assert.match(stderr, /give --username, too\.$/m);
});

test('a chart is not warned of where its reference is refused', async () => {
  const directory = mkdtempSync(join(home, 'lacking-'));
  writeFileSync(
    join(directory, 'Chart.yaml'),
    'apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: db, version: 1.0.0}]\n',
  );
  assert.match(await said('save', directory, 'http://r.example.com/web'), /^Error: invalid reference /);
});

test('a password that is wrong is not told as one that is missing', async () => {
  const { exit, stderr } = await runChart(['registry', 'login', login, '-u', 'ann', '--password-stdin'], {
    home,
    stdin: 'not-hers\n',
  });
  assert.equal(exit, 1);
  assert.match(stderr, /the user name or password is wrong/);
});

test('a host that was given to login in another form is named to logout', async () => {
  const file = join(home, 'logins.json');
  writeFileSync(file, JSON.stringify({ auths: { 'https://registry.example.com': { auth: 'YTpi' } } }));
  const stderr = await said('registry', 'logout', 'registry.example.com', '--registry-config', file);
  assert.match(stderr, /^It was logged in to as https:\S+: chart registry logout https:\/\/registry\.example\.com$/m);
});

test('a port that is taken is told with how to take another', async () => {
  const stderr = await said('serve', '--addr', host);
  assert.match(stderr, /--port takes another port, and --port 0 one that is free\.$/m);
});

for (const [what, make, hint] of [
  ['of nothing', () => {}, / has none\. A chart is a directory with a Chart\.yaml, or a packed chart \(\.tgz\)\.$/m],
  [
    'whose .helmignore names it',
    (dir: string) => {
      writeFileSync(join(dir, 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 0.3.0\n');
      writeFileSync(join(dir, '.helmignore'), '# all\n*.yaml\n');
    },
    /[/\\]\.helmignore leaves Chart\.yaml out: line 2, "\*\.yaml"\.$/m,
  ],
  [
    'with chart.yml',
    (dir: string) => writeFileSync(join(dir, 'chart.yml'), ''),
    / has chart\.yml: the name is Chart\.yaml/,
  ],
  [
    'of charts',
    (dir: string) => {
      mkdirSync(join(dir, 'one'));
      writeFileSync(join(dir, 'one', 'Chart.yaml'), '');
    },
    /For all of them: chart save \S.* --to \S+$/m,
  ],
] as const) {
  test(`a directory ${what} is named as no chart, with the reason`, async () => {
    const directory = mkdtempSync(join(home, 'none-'));
    make(directory);
    const stderr = await said('save', directory, 'registry.example.com/shop/none');
    assert.ok(stderr.startsWith('Error: Chart.yaml file is missing\n'), stderr);
    assert.ok(stderr.includes(directory.slice(-8)), stderr);
    assert.match(stderr, hint);
  });
}

test('what belongs to another command is met with that command', async () => {
  const directory = mkdtempSync(join(home, 'slips '));
  const packed = join(directory, 'app-1.0.0.tgz');
  writeFileSync(packed, gzipSync(Buffer.alloc(1024)));
  writeFileSync(join(directory, 'b.tar'), 'x'.repeat(600));
  const charts = join(directory, 'charts');
  mkdirSync(join(charts, 'one'), { recursive: true });
  writeFileSync(join(charts, 'one', 'Chart.yaml'), '');
  const cases: [args: string[], hint: string][] = [
    [['unbundle', packed], `chart save '${packed}' HOST/PATH`],
    [['save', join(directory, 'b.tar'), 'r.example.com/x/y'], `chart unbundle '${join(directory, 'b.tar')}'`],
    [['bundle', 'list', 'b.tar'], 'Did you mean chart bundle ls b.tar?'],
    [['mirror', 'site.yaml', 'cache'], 'Did you mean chart mirror -f site.yaml --to cache?'],
    [['mirror', 'int', 'site.yaml'], 'Did you mean chart mirror init site.yaml?'],
    [['mirror', 'oci://r.example.com/x', 'cache/foo'], 'Did you mean cache:foo?'],
    [['mirror', 'oci://r.example.com/x', 'localhost:5000'], 'Did you mean oci://localhost:5000?'],
    [['pull', '-a', 'r.example.com/x'], 'chart mirror oci://HOST/PATH cache'],
    [
      ['push', '-f', 'absent'],
      'cannot read absent: no such file\n-f FILE reads a list from a text file, one a line.\n',
    ],
    [['bundle', 'web:0.3.0', '-o', 'x.tar', '-f', packed], 'is no text, and read as a list of references\n'],
    [['images', 'nowhere:1'], 'Error: Chart not found: nowhere:1\n'],
    [['save', charts, 'localhost:5000/team'], ' --to localhost:5000/team\n'],
    [
      ['push', join(home, 'web'), 'oci://localhost:5000/team'],
      `Nothing was pushed. Write chart save ${join(home, 'web')} --to localhost:5000/team -q | chart push -f -\n`,
    ],
    [['export', 'web:0.3.0', '-d', join(directory, 'b.tar')], 'A file is in the way: move it, or choose'],
    [['save', 'a', 'b', 'r.example.com/x'], 'Write chart save a b --to r.example.com/x'],
    [['save', 'a', 'r.example.com/x', '--to', 'r.example.com/p'], 'Write chart save a --to r.example.com/p'],
    [['save', 'a', '--to', 'r.example.com/p:1'], 'r.example.com/p:1 is no prefix: a prefix has no tag'],
  ];
  for (const [args, hint] of cases) {
    const stderr = await said(...args);
    assert.ok(stderr.includes(hint), `${args.join(' ')}\n${stderr}`);
  }
});
