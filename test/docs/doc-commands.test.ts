/** The helper that runs documentation pages: a page that is wrong must not pass. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type RunPageOptions, runPage, skipPages } from '../helpers/doc-commands.js';
import { firstDifference } from '../helpers/doc-page.js';
import { temporaryDirectory } from '../helpers/fixtures.js';

const skip = skipPages();

function page(t: TestContext, text: string, options: Partial<RunPageOptions> = {}) {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'page.md');
  writeFileSync(file, text.replaceAll("'''", '```'));
  return runPage(file, { directory, ...options });
}

test('runs commands in one shell, with the program, here-documents and loops', { skip }, async (t) => {
  const text = `# Page
'''sh
chart --version   # a comment
cd sub 2>/dev/null || mkdir sub && cd sub
NAME=two
for name in one $NAME; do
  echo $name >> names
done
'''
'''console
$ cat names <(cat <<'END'
> here
> END
> )
one
…
here

$ chart list
REF NAME VERSION DIGEST SIZE CREATED
'''
'''yaml
not: run
'''
`;
  assert.deepEqual(await page(t, text), { commands: 6, left: [] });
});

test('says where a page is wrong', { skip }, async (t) => {
  await assert.rejects(
    page(t, "# A\n\n'''console\n$ echo one; \\\n  echo two\none\n2\n'''\n"),
    /page\.md:7: not what is printed: 2/,
  );
  await assert.rejects(page(t, "'''sh\ntrue\nchart nothing\n'''\n"), /page\.md:3: exit code 1: chart nothing/);
  await assert.rejects(page(t, "'''console\n$ echo Error: none\nError: none\n'''\n"), /page\.md:2: exit code 0, but/);
  await assert.rejects(page(t, "'''sh\nfalse | cat\n'''\n"), /page\.md:2: exit code 1/);
  await assert.rejects(page(t, "<!-- not run: -->\n'''sh\ntrue\n'''\n"), /line 2: "not run" gives no reason/);
  await assert.rejects(page(t, "<!-- fails -->\ntext\n'''sh\ntrue\n'''\n"), /line 1: the comment "fails" has no block/);
  await assert.rejects(page(t, "<!-- fails -->\n'''sh\ntrue\n'''\n"), /page\.md:3: exit code 0/);
  await assert.rejects(page(t, '<!-- with: a is B -->\n'), /page\.md:1: the test gives no B/);
  await assert.rejects(page(t, 'text', { values: { B: 'b' } }), /does not use these values/);
  await assert.rejects(page(t, "<!-- runs on -->\n'''sh\ntrue\n'''\n"), /page\.md:3: it has ended/);
});

test('puts in values, keeps machines apart, writes files, leaves blocks out with a reason', { skip }, async (t) => {
  const text = `<!-- with: registry.example.com is REGISTRY -->
<!-- with: registry.example.com/team is TEAM -->
<!-- file: deep/list.txt -->
'''text
registry.example.com/app
'''
'''console
$ cat deep/list.txt; echo "registry.example.com/team/app"
registry.example.com/app
registry.example.com/team/app
'''
<!-- machine: inside -->
<!-- fails -->
'''console
$ cat deep/list.txt
cat: …
'''
<!-- not run: it takes a night -->
'''sh
sleep 30000
'''
<!-- needs: no-such-program bash -->
'''sh
no-such-program
'''
<!-- runs on -->
'''console
$ hello; sleep 1000
Hello, world
'''
'''console
$ jobs | wc -l
1
'''
`;
  const run = await page(t, text, {
    values: { REGISTRY: 'localhost:1', TEAM: 'localhost:2/x' },
    programs: { hello: '#!/bin/sh\necho Hello, world\n' },
  });
  assert.equal(run.commands, 4);
  assert.deepEqual(
    run.left.map((line) => line.replace(/^.*page/, 'page')),
    ['page.md:19: it takes a night', 'page.md:23: not installed: no-such-program'],
  );
});

test('tells output from what is shown of it', () => {
  assert.equal(firstDifference(['a … c', '…', 'z'], ['a b c', 'x', 'y', 'z']), undefined);
  assert.equal(firstDifference(['a\t b'], ['a b  ']), undefined);
  assert.equal(firstDifference(['a … c'], ['a  c']), 0);
  assert.equal(firstDifference(['a', 'b'], ['a', 'b', 'c']), 1);
  assert.equal(firstDifference(['a', 'b.'], ['a', 'bc']), 1);
  assert.equal(firstDifference(['  a'], ['a']), 0);
});
