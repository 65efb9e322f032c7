/**
 * Where the program is not like Helm 3.6.3, on purpose: each step of fixtures/cases.json that comes out differently, the
 * departure of docs/departures.md that it is an example of, and what comes out instead.
 */
import { type After, type Ports, withPorts } from './cases.js';
import type { Expected } from './compare.js';
import { COMMAND_LINE } from './departures-command-line.js';
import { DAMAGE } from './departures-damage.js';
import { NAMES } from './departures-names.js';
import { EXPORTING, PACKING } from './departures-packing.js';
import { REFERENCES } from './departures-references.js';
import { REGISTRIES } from './departures-registries.js';

/** A step's result; what is not named is as recorded. */
export interface Departure {
  /** The heading in docs/departures.md. */
  readonly id: string;
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
  readonly exit?: number;
  readonly after?: After | ((recorded: After) => After);
}

/** By the number of the step in its scenario, from 0. */
export type Steps = Readonly<Record<number, Departure>>;

/** The recorded result with what the departure puts in its place, in the ports of this run. */
export function departed(expected: Expected, { id: _id, after, ...departure }: Departure, ports: Ports): Expected {
  const changed = withPorts(typeof after === 'function' ? after(expected.after) : after, ports);
  const rest = withPorts(departure, ports);
  const files = { ...expected.after.files, ...changed?.files };
  return { ...expected, ...rest, after: { ...expected.after, ...changed, ...(changed?.files && { files }) } };
}

/** By scenario. */
export const DEPARTURES: Readonly<Record<string, Steps>> = {
  ...PACKING,
  ...EXPORTING,
  ...REFERENCES,
  ...NAMES,
  ...DAMAGE,
  ...REGISTRIES,
  ...COMMAND_LINE,
};

/** Departures that show everywhere: what they change in the recorded result of any step. */
export const GENERAL_DEPARTURES: Readonly<Record<string, (recorded: Expected) => Expected>> = {
  'no-build-directory': (recorded) => ({
    ...recorded,
    after: {
      ...recorded.after,
      ...(recorded.after.tree && { tree: recorded.after.tree.filter((line) => !line.endsWith('/cache/.build/')) }),
      ...(typeof recorded.after.sh?.out === 'string' && {
        sh: { ...recorded.after.sh, out: recorded.after.sh.out.replace(/^.*\/cache\/\.build\n/m, '') },
      }),
    },
  }),
  'symbolic-links': (recorded) => withStderr(recorded, /^walk\.go:\d+: found symbolic link in path: .*\n/gm, ''),
  'login-without-tls': (recorded) =>
    recorded.exit !== 0
      ? recorded
      : withStderr(
          recorded,
          /^time=.*trying next endpoint: Get \\"https:\/\/(\S+)\/v2\/\\": http: server gave HTTP response to HTTPS client"\n/m,
          '',
        ),
};

function withStderr(recorded: Expected, from: RegExp, to: string): Expected {
  if (recorded.stderr instanceof RegExp) return recorded;
  return { ...recorded, stderr: recorded.stderr.replace(from, to) };
}
