/**
 * Runs a program whose standard input is a terminal, for what is asked there. Python's standard library has the
 * pseudo-terminal; Node has none. Where there is no python3, `terminalTool` says so and the test is skipped by name.
 */
import { execFileSync } from 'node:child_process';
import { type RunOptions, runProgram } from './run.js';

export interface TerminalOptions extends Omit<RunOptions, 'stdin'> {
  /** What is typed at each prompt, in order; a line ends in "\n", which is sent as the Return key is: a carriage return. */
  readonly type: readonly string[];
  /** Whether standard output and error are the terminal too; otherwise they are pipes. */
  readonly output?: 'terminal' | 'pipes' | undefined;
}

export interface TerminalResult {
  readonly stdout: string;
  readonly stderr: string;
  /** What the terminal showed: the echo of what was typed and, with `output: 'terminal'`, all that the program wrote. */
  readonly screen: string;
  readonly exit: number;
}

/** The name of what is missing to open a terminal, or undefined. */
export function missingTerminal(): string | undefined {
  if (process.platform === 'win32') return 'a pseudo-terminal';
  try {
    execFileSync('python3', ['-c', 'import pty, termios'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'python3';
  }
}

/** Runs `command` on a terminal; each item of `type` is sent when the program has asked and waits. */
export async function runOnTerminal(command: readonly string[], options: TerminalOptions): Promise<TerminalResult> {
  const { type, output = 'pipes', ...rest } = options;
  const plan = JSON.stringify({ command, type, output });
  const { stdout, stderr, exit } = await runProgram(['python3', '-c', ON_TERMINAL], { ...rest, stdin: plan });
  if (exit !== 0) throw new Error(`no terminal: ${stderr}`);
  return JSON.parse(stdout) as TerminalResult;
}

/**
 * Reads the plan, runs the command in a session of its own with the terminal as standard input, and prints the result.
 * A prompt is there when the program has written something that ends in ": " since the last answer; a password prompt
 * ("Password", "Token") also has to have switched the echo off, as one would see on the screen.
 */
const ON_TERMINAL = `
import json, os, pty, select, subprocess, sys, termios, time
plan = json.load(sys.stdin)
controller, terminal = pty.openpty()
everything = plan['output'] == 'terminal'
other = terminal if everything else subprocess.PIPE
def attach():
    os.setsid()
    import fcntl
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = subprocess.Popen(plan['command'], stdin=terminal, stdout=other, stderr=other, preexec_fn=attach)
texts = {controller: b''}
if not everything:
    texts[child.stdout.fileno()] = b''
    texts[child.stderr.fileno()] = b''
shown = controller if everything else child.stdout.fileno()
echo_is_on = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
waiting, seen, deadline, is_open = list(plan['type']), 0, time.time() + 30, set(texts)
while True:
    ended = child.poll() is not None
    ready, _, _ = select.select(list(is_open), [], [], 0 if ended else 0.005)
    for number in ready:
        try:
            chunk = os.read(number, 65536)
        except OSError:
            chunk = b''
        texts[number] += chunk
        if not chunk:
            is_open.discard(number)
    new = texts[shown][seen:]
    if waiting and new.endswith(b': ') and not (echo_is_on() and (b'Password: ' in new or b'Token: ' in new)):
        seen = len(texts[shown])
        os.write(controller, waiting.pop(0).replace('\\n', '\\r').encode())
    if ended and not ready:
        break
    if time.time() > deadline:
        child.kill()
        sys.exit('the program neither asked nor ended: ' + repr(texts))
text = lambda number: texts[number].decode('utf-8', 'replace')
json.dump({
    'stdout': '' if everything else text(child.stdout.fileno()),
    'stderr': '' if everything else text(child.stderr.fileno()),
    'screen': text(controller),
    'exit': child.returncode,
}, sys.stdout)
`;
