/** Arguments, options and help. */
import type { Departure, Steps } from './departures.js';
import { NO_CHARTS, saved } from './texts.js';

export const COMMAND_LINE: Readonly<Record<string, Steps>> = {
  'gate-missing': {
    0: { id: 'no-feature-gate', exit: 0, stdout: NO_CHARTS, stderr: '' },
    1: { id: 'no-feature-gate', exit: 0, stdout: saved('x:0.1.0', 'tiny'), stderr: '' },
    2: { id: 'usage', stdout: /^Usage: chart \[options\] \[command\]\n[\s\S]*\n {2}save [\s\S]*\n {2}list\|ls / },
    3: {
      id: 'no-feature-gate',
      stdout: 'Username: ',
      stderr: 'Error: no answer to "Username:": standard input has ended\n',
    },
    4: { id: 'usage', stdout: /^Usage: chart registry \[options\] \[command\]\n[\s\S]*\n {2}login / },
    5: { id: 'usage', stdout: /^Usage: chart list\|ls \[PATTERN\] \[options\]\n/ },
    8: unknownCommand('bogus'),
    9: tooFew('chart save', 2),
  },
  'gate-values': { 0: { id: 'no-feature-gate', exit: 0, stdout: NO_CHARTS, stderr: '' } },
  'argument-counts': {
    0: tooFew('chart save', 2),
    1: tooFew('chart save', 2),
    2: {
      id: 'many-references',
      exit: 1,
      stdout: '',
      stderr: 'Error: chart save PATH REF takes one path, and 4 arguments were given\n',
    },
    3: {
      id: 'usage',
      exit: 1,
      stdout: '',
      stderr: 'Error: "chart list" accepts at most 1 argument\n',
    },
    4: tooFew('chart export', 1),
    5: notThere('r.example.com/x:v1', 'extra'),
    6: tooFew('chart remove', 1),
    7: tooFew('chart remove', 1),
    8: notThere('r.example.com/x:v1', 'extra'),
    9: tooFew('chart push', 1),
    10: tooFew('chart pull', 1),
    11: tooFew('chart registry login', 1),
    12: tooFew('chart registry logout', 1),
    13: unknownCommand('bogus'),
    14: unknownCommand('bogus'),
    16: { id: 'usage', stderr: "Error: unknown option '--bogus'\n" },
    17: { id: 'usage', exit: 0, stdout: '[]\n', stderr: '' },
    18: { id: 'usage', stderr: "Error: option '-d, --destination <dir>' argument missing\n" },
    19: { id: 'usage', stderr: "Error: option '-u, --username <name>' argument missing\n" },
    21: unknownCommand('SAVE'),
  },
};

function unknownCommand(name: string): Departure {
  return { id: 'usage', exit: 1, stdout: '', stderr: `Error: unknown command '${name}'\n` };
}

function tooFew(command: string, count: number): Departure {
  return { id: 'usage', stderr: `Error: "${command}" requires at least ${count} argument${count === 1 ? '' : 's'}\n` };
}

function notThere(...refs: string[]): Departure {
  const lines = refs.map((ref) => `Error: Chart not found: ${ref}\\n.*\\n`);
  return { id: 'many-references', exit: 1, stdout: '', stderr: new RegExp(`^${lines.join('')}$`) };
}
