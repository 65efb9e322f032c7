/**
 * Everything that a script can observe is what Helm 3.6.3 printed, unless docs/departures.md says otherwise.
 *
 * Replays fixtures/cases.json, 219 scenarios recorded from Helm 3.6.3, against the built program: `helm chart X` becomes
 * `chart X`, `helm registry X` becomes `chart registry X`. parity/replay.ts plays a scenario, parity/compare.ts compares,
 * parity/departures.ts lists what is different on purpose.
 *
 * With CHART_TEST_PROGRAM=/path/to/helm-3.6.3 that program is held against its own recording, without departures: a check
 * of this test. With CHART_TEST_REQUIRE_TOOLS set a scenario whose tools are missing fails instead of being skipped.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { PROJECT, temporaryDirectory, unpackCache, unpackCharts } from '../helpers/fixtures.js';
import { chartCommand } from '../helpers/run.js';
import { chainOf, isReplayed, missingTools, readScenarios, type Scenario, type Step } from './parity/cases.js';
import { differences, type Expected, recorded } from './parity/compare.js';
import { DEPARTURES, type Departure, departed, GENERAL_DEPARTURES } from './parity/departures.js';
import { startRegistries } from './parity/registries.js';
import { type Program, playStep, type Stage, setStage } from './parity/replay.js';
import { ageText } from './parity/standard-output.js';

const helm = process.env.CHART_TEST_PROGRAM;
process.umask(0o022);
const registries = await startRegistries();
const samples = mkdtempSync(join(tmpdir(), 'chart-parity-'));
const program = writeShim();
const scenarios = readScenarios(registries.ports);

before(async () => {
  await unpackCharts(samples);
  await unpackCache(samples);
});

after(async () => {
  await registries.stop();
  rmSync(samples, { recursive: true });
  rmSync(program.shim, { recursive: true });
});

describe('as Helm 3.6.3 did', { concurrency: availableParallelism() + 1 }, () => {
  for (const chain of chains()) {
    const [first] = chain as [Scenario];
    if (chain.length === 1) test(first.name, (t) => replay(t, first));
    else {
      describe(chainOf(first), { concurrency: 1 }, () => {
        for (const scenario of chain) test(scenario.name, (t) => replay(t, scenario));
      });
    }
  }
});

test('every departure is of a step that was recorded', () => {
  const steps = scenarios.flatMap((scenario) => scenario.steps.filter(isReplayed).map((step) => ({ scenario, step })));
  const names = new Set(steps.map(({ scenario, step }) => `${scenario.name} ${scenario.steps.indexOf(step)}`));
  const ofSteps = Object.entries(DEPARTURES).flatMap(([name, own]) =>
    Object.keys(own).map((step) => `${name} ${step}`),
  );
  assert.deepEqual(
    ofSteps.filter((name) => !names.has(name)),
    [],
  );
  const results = steps.map(({ step }) => recorded(step));
  for (const [id, change] of Object.entries(GENERAL_DEPARTURES)) {
    assert.ok(
      results.some((result) => !isDeepStrictEqual(change(result), result)),
      `${id} changes nothing`,
    );
  }
});

test('docs/departures.md lists each departure once, and no other', () => {
  const [shown = '', notShown] = readFileSync(join(PROJECT, 'docs', 'departures.md'), 'utf8').split(
    '# What the recording cannot show',
  );
  assert.ok(notShown);
  const listed = [...shown.matchAll(/^## (\S+)$/gm)].map((match) => match[1] as string);
  const steps = Object.values(DEPARTURES).flatMap((scenario) => Object.values(scenario));
  const used = new Set([...steps.map(({ id }) => id), ...Object.keys(GENERAL_DEPARTURES)]);
  assert.deepEqual(listed.toSorted(), [...used].sort());
});

test('the words for ages are those that were recorded', () => {
  const units: Record<string, number> = { second: 1, minute: 60, hour: 3600, day: 86400 };
  const { steps } = scenarios.find(({ name }) => name === 'created-text') as Scenario;
  for (const { before: touch = '', stdout } of steps) {
    const [, count, unit] = /'(-?\d+) (\w+?)s? ago'/.exec(touch) as unknown as [string, string, string];
    const text = stdout.trimEnd().split('\t').at(-1);
    assert.equal(ageText(Number(count) * (units[unit] as number)), text, touch);
  }
});

/** Scenarios in the order of the recording; those that must follow one another together. */
function chains(): Scenario[][] {
  const found = new Map<string, Scenario[]>();
  for (const scenario of scenarios) {
    const chain = chainOf(scenario);
    if (scenario.steps.some(isReplayed)) found.set(chain, [...(found.get(chain) ?? []), scenario]);
  }
  return [...found.values()];
}

/** Plays a scenario to its end and fails with all that differed. */
async function replay(t: TestContext, scenario: Scenario): Promise<void> {
  const missing = missingTools(scenario);
  if (missing.length > 0) {
    assert.ok(!process.env.CHART_TEST_REQUIRE_TOOLS, `needs ${missing.join(', ')}`);
    t.skip(`needs ${missing.join(', ')}`);
    return;
  }
  const stage = await setStage(temporaryDirectory(t), program, scenario, samples);
  const failures: string[] = [];
  for (const [number, step] of scenario.steps.entries()) {
    if (!isReplayed(step)) continue;
    const found = helm
      ? await compareHelm(stage, step)
      : await compare(stage, step, DEPARTURES[scenario.name]?.[number]);
    failures.push(...found.map((text) => `${number}: ${step.argv.slice(1).join(' ')}: ${text}`));
  }
  assert.equal(failures.length, 0, `\n${failures.join('\n')}`);
}

/** What differs from the recording, or, where the step departs from it, from what was put in its place. */
async function compare(stage: Stage, step: Step, departure: Departure | undefined): Promise<string[]> {
  const plain = generally(recorded(step));
  if (!departure) return differences(plain, await playStep(stage, step));
  const wanted = departed(plain, departure, registries.ports);
  const seen = await playStep(stage, step, wanted.after);
  const found = differences(wanted, seen);
  const isAsRecorded = found.length === 0 && differences(plain, seen).length === 0;
  return isAsRecorded ? [`is as recorded, and departs no more (${departure.id})`] : found;
}

async function compareHelm(stage: Stage, step: Step): Promise<string[]> {
  return differences(recorded(step), await playStep(stage, step), { luck: true });
}

function generally(result: Expected): Expected {
  return Object.values(GENERAL_DEPARTURES).reduce((changed, change) => change(changed), result);
}

/** `helm` for the scripts of the recording, in a directory of its own. */
function writeShim(): Program {
  const shim = mkdtempSync(join(tmpdir(), 'chart-shim-'));
  const own = helm ? [helm] : chartCommand();
  const quoted = own.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(' ');
  const shift = helm ? '' : '[ "$1" = chart ] && shift\n';
  writeFileSync(join(shim, 'helm'), `#!/bin/sh\n${shift}exec ${quoted} "$@"\n`, { mode: 0o755 });
  const ownWords = (argv: readonly string[]) => (helm || argv[0] !== 'chart' ? argv : argv.slice(1));
  return { shim, command: (argv) => [...own, ...ownWords(argv)] };
}
