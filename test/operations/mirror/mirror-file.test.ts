/** The file of `chart mirror -f`: what it says, and where it is wrong. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { isChartError } from '../../../src/errors.js';
import { formatSchema, MIRROR_EXAMPLE } from '../../../src/operations/mirror/example.js';
import { parseMirrorFile } from '../../../src/operations/mirror/mirror-file.js';
import { PROJECT } from '../../helpers/fixtures.js';

const DIRECTORY = resolve('/srv/mirror');

function mistakesOf(text: string): string[] {
  try {
    parseMirrorFile(text, 'm.yaml', DIRECTORY);
  } catch (error) {
    assert.ok(isChartError(error, 'MIRROR_FILE_INVALID'), String(error));
    return error.message.split('\n');
  }
  return [];
}

describe('a mirror file', () => {
  it('gives entries with the defaults filled in, and paths relative to itself', () => {
    const file = parseMirrorFile(
      `version: 1
target: cache
mediaType: current
defaults: {limit: 3, referrers: true}
registries:
  registry.lan:5000: {username: ci, passwordEnv: SECRET, caFile: ca.pem}
charts:
  - source: oci://a.example.com/x
    limit: 1
  - {source: ./charts, include: "a*", exclude: [b, c]}
`,
      'm.yaml',
      DIRECTORY,
    );
    assert.deepEqual([file.target, file.flavour], ['cache', 'current']);
    assert.deepEqual(file.registries.get('registry.lan:5000'), {
      username: 'ci',
      passwordEnv: 'SECRET',
      caFile: join(DIRECTORY, 'ca.pem'),
    });
    const [first, second] = file.entries;
    assert.deepEqual([first?.source, first?.limit, first?.referrers], ['oci://a.example.com/x', 1, true]);
    assert.deepEqual(
      [second?.source, second?.limit, second?.include, second?.exclude],
      [join(DIRECTORY, 'charts'), 3, ['a*'], ['b', 'c']],
    );
    const pathsOf = (target: string, source: string): (string | undefined)[] => {
      const text = `version: 1\ntarget: "${target}"\ncharts: [{source: "${source}"}]\n`;
      const read = parseMirrorFile(text, 'm.yaml', DIRECTORY);
      return [read.target, read.entries[0]?.source];
    };
    const within = (path: string): string => join(DIRECTORY, path);
    assert.deepEqual(pathsOf('out.tar', 'in/old.tar'), [within('out.tar'), within('in/old.tar')]);
    assert.deepEqual(pathsOf('bundle:out', 'bundle:../old'), [`bundle:${within('out')}`, `bundle:${within('../old')}`]);
    assert.deepEqual(pathsOf('cache:a.tar/x', 'cache:b'), ['cache:a.tar/x', 'cache:b']);
  });

  it('tells each mistake with its line and column, and what was meant', () => {
    assert.deepEqual(
      mistakesOf(`version: 2
defaults:
  limt: 3
  prerelease: maybe
registries:
  registry.lan:
    username: me
    password: hunter2
charts:
  - sorce: oci://a.example.com/x
    version: 5
  - source: oci://a.example.com/y
    limit: 0
    include: [1]
  - just text
`),
      [
        'm.yaml:1:10: "version" must be 1',
        'm.yaml:3:3: unknown key "limt"; did you mean "limit"?',
        'm.yaml:4:15: "prerelease" must be true or false',
        'm.yaml:8:5: "password" may not stand in the file: name an environment variable with "passwordEnv"',
        'm.yaml:10:5: the entry has no "source"',
        'm.yaml:10:5: unknown key "sorce"; did you mean "source"?',
        'm.yaml:11:14: "version" must be a text: write version: "5"',
        'm.yaml:13:12: "limit" must be 1 at least',
        'm.yaml:14:14: "include" must be a text or a list of texts',
        'm.yaml:15:5: an entry must be a mapping',
      ],
    );
    assert.deepEqual(
      mistakesOf(`version: 1
target: https://charts.example.com
registries:
  "a b": {}
  b.example.com: {passwordEnv: "not a name"}
charts: []
`),
      [
        'm.yaml:4:3: "a b" is not HOST[:PORT]',
        'm.yaml:5:32: "passwordEnv" is no name of an environment variable',
        'm.yaml:6:9: "charts" must not be empty',
      ],
    );
  });

  it('tells what is empty, what is said twice, and keys that are no text', () => {
    assert.deepEqual(
      mistakesOf(`version: 1
charts:
  - {source: "", name: "", include: [], exclude: "", ? [a, b] : c}
`),
      [
        'm.yaml:3:5: unknown key "[ a, b ]"; known are source, name, version, limit, prerelease, dependencies, referrers, include, exclude, target',
        'm.yaml:3:14: "source" must not be empty',
        'm.yaml:3:24: "name" must not be empty',
        'm.yaml:3:37: "include" must not be empty',
        'm.yaml:3:50: "exclude" must not be empty',
      ],
    );
    assert.deepEqual(
      mistakesOf(`version: 1
registries: {h.lan: {username: me, usernameEnv: ME, passwordEnv: SECRET}}
charts: [{source: cache}]
`),
      ['m.yaml:2:21: h.lan: of "username" and "usernameEnv" there can be one'],
    );
  });

  it('may say once what holds for several entries', () => {
    const text = `version: 1
charts:
  - &first {source: oci://a.example.com/x, version: ^1, limit: 2}
  - {<<: *first, source: oci://a.example.com/y}
  - {<<: *first, version: x.y.z}
`;
    assert.match(mistakesOf(text).join(), /^m\.yaml:5:27: invalid version range/);
    const { entries } = parseMirrorFile(text.replace('x.y.z', '^2'), 'm.yaml', DIRECTORY);
    assert.deepEqual(
      entries.map(({ source, version, limit }) => [source, version, limit]),
      [
        ['oci://a.example.com/x', '^1', 2],
        ['oci://a.example.com/y', '^1', 2],
        ['oci://a.example.com/x', '^2', 2],
      ],
    );
  });

  it('tells ranges, placeholders, targets and credentials that cannot be, with their place', () => {
    const mistakes = mistakesOf(`version: 1
target: oci://
registries:
  b.example.com: {username: me}
charts:
  - source: oci://a.example.com/x
    version: "1.2.3 foo"
    target: x/{nam}
  - source: ftp://a.example.com/x
`);
    assert.deepEqual(
      mistakes.map((line) => line.split(' ', 1)[0]),
      ['m.yaml:2:9:', 'm.yaml:4:18:', 'm.yaml:7:14:', 'm.yaml:8:13:', 'm.yaml:9:13:'],
    );
  });

  it('tells what to write instead', () => {
    const lines = ['version: 1.20', 'name: [a, b]', 'version: "foo"'].map(
      (line) => `  - source: oci://a.example.com/x\n    ${line}`,
    );
    assert.deepEqual(mistakesOf(`version: 1\ncharts:\n${lines.slice(0, 2).join('\n')}\n`), [
      'm.yaml:4:14: "version" must be a text: write version: "1.20"',
      'm.yaml:6:11: "name" must be a text; several stand under "include"',
    ]);
    const first = 'version: 1\ncharts:\n  - source: oci://a.example.com/x\n    ';
    assert.deepEqual(mistakesOf(`${first}version: >=1.0\n`), [
      'm.yaml:4:15: put what is special in YAML in quotes: version: ">=1.0"',
    ]);
    const hints = (source: string, version: string): string | undefined => {
      try {
        parseMirrorFile(`version: 1\ncharts: [{source: "${source}", version: "${version}"}]`, 'm.yaml', DIRECTORY);
      } catch (error) {
        return (error as { hint?: string }).hint;
      }
      return undefined;
    };
    assert.match(hints('oci://a.example.com/x', 'foo') ?? '', /^Write it as Helm does: 1\.2\.3, /);
    assert.match(hints('localhost:17001/x', '^1') ?? '', /^Of a registry it is written oci:\/\/localhost:17001\/x;/);
    assert.match(hints('r.example.com/team/x', '^1') ?? '', /^Of a registry it is written oci:\/\/r\.example\.com/);
    assert.equal(hints('./charts.d/x', '^1'), undefined);
  });

  it('is refused in few words however much is wrong', () => {
    assert.match(mistakesOf('['.repeat(100_000)).join(), /^m\.yaml:[0-9:]* it is nested too deep to be read$/);
    assert.deepEqual(mistakesOf('version: 1\n---\nversion: 1\n'), [
      'm.yaml:2:1: a second document begins here: a mirror file is one',
    ]);
    for (const wrong of ['version: "a b"', 'version: 7']) {
      const entry = `  - {source: oci://a.example.com/x, ${wrong}}\n`;
      const mistakes = mistakesOf(`version: 1\ncharts:\n${entry.repeat(3_000)}`);
      assert.deepEqual([mistakes.length, mistakes.at(-1)], [21, 'and many more']);
    }
  });

  it('is refused where it is no YAML or nothing at all', () => {
    assert.match(mistakesOf('charts: [\n')[0] ?? '', /^m\.yaml:2:1: /);
    assert.match(mistakesOf('a: 1\na: 2\n')[0] ?? '', /^m\.yaml:2:1: /);
    assert.match(mistakesOf('')[0] ?? '', /^m\.yaml:1:1: the file must be a mapping/);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`;
    assert.equal(mistakesOf(bomb).length > 0, true);
  });

  it('is what the example is, with every commented entry taken in', () => {
    assert.equal(parseMirrorFile(MIRROR_EXAMPLE, 'mirror.yaml', DIRECTORY).entries.length, 2);
    const all = MIRROR_EXAMPLE.replace(
      /^( *)# (?=(?:mediaType|registries|- source| {2}\S|(?: {4})\S))/gm,
      '$1',
    ).replace(/^# {3}/gm, '  ');
    assert.equal(parseMirrorFile(all, 'mirror.yaml', DIRECTORY).entries.length, 6);
  });

  it('has the schema that is shipped, and it is sound', () => {
    const shipped = readFileSync(join(PROJECT, 'schemas', 'mirror.schema.json'), 'utf8');
    const ajv = new Ajv();
    assert.equal(ajv.validateSchema(JSON.parse(shipped)), true, ajv.errorsText());
    assert.deepEqual(JSON.parse(shipped), JSON.parse(formatSchema()));
  });
});
