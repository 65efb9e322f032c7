/**
 * Runs what a Markdown page tells a reader to type, in its order, with the built program as `chart`, and compares what is printed with
 * what the page says. doc-page.ts has the comments that a page may use.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { firstDifference, type PageBlock, type PageCommand, readPage, trimBlank } from './doc-page.js';
import { isInstalled, requireTools } from './docker-registry.js';
import { cleanEnvironment } from './run.js';
import { installChart } from './shells.js';

export interface RunPageOptions {
  /** A fresh directory; of each machine in it, `MACHINE/home` is its home and `MACHINE/work` where its commands run. */
  readonly directory: string;
  /** For the page's `with:` comments. Each must be used. */
  readonly values?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Scripts that are found as programs, such as an `ssh` that stays on this machine. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Prepares the working directory of a machine before its first command. */
  readonly prepare?: (machine: string, work: string, home: string) => Promise<void> | void;
  /** Runs after the last command, while what goes on (a server) still does. */
  readonly atEnd?: () => Promise<void>;
}

/** What became of the page. What differs from the page is no result: it rejects. */
export interface PageRun {
  /** Commands that were run. */
  readonly commands: number;
  /** `PAGE:LINE: REASON` of each block that was left out. */
  readonly left: readonly string[];
}

/** For the `skip` option of a test. */
export function skipPages(): string | false {
  return process.platform === 'win32' ? 'pages are for bash' : requireTools('bash');
}

/** @throws AssertionError at the first command that fails or prints something else, with `PAGE:LINE` */
export async function runPage(file: string, options: RunPageOptions): Promise<PageRun> {
  return new PageRunner(file, options).run();
}

const TIMEOUT = 90_000;

class PageRunner {
  readonly #file: string;
  readonly #options: RunPageOptions;
  readonly #machines = new Map<string, Shell>();
  #substitutions: readonly (readonly [text: string, value: string])[] = [];

  constructor(file: string, options: RunPageOptions) {
    this.#file = file;
    this.#options = options;
  }

  async run(): Promise<PageRun> {
    const page = readPage(readFileSync(this.#file, 'utf8'));
    const values = this.#options.values ?? {};
    for (const { line, value } of page.substitutions) {
      assert.ok(value in values, `${this.#at(line)}: the test gives no ${value}`);
    }
    const unused = Object.keys(values).filter((name) => !page.substitutions.some(({ value }) => value === name));
    assert.deepEqual(unused, [], `${this.#file} does not use these values of the test`);
    // The longest first: registry.example.com/team before registry.example.com.
    this.#substitutions = page.substitutions
      .map(({ text, value }) => [text, values[value] as string] as const)
      .sort(([one], [other]) => other.length - one.length);
    const left: string[] = [];
    let commands = 0;
    try {
      for (const block of page.blocks) {
        const missing = block.needs.filter((name) => !isInstalled(name));
        const reason = block.notRun ?? (missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined);
        if (reason === undefined) commands += await this.#runBlock(block);
        else left.push(`${this.#at(block.line)}: ${reason}`);
      }
      await this.#options.atEnd?.();
    } finally {
      for (const shell of this.#machines.values()) await shell.end();
    }
    return { commands, left };
  }

  async #runBlock(block: PageBlock): Promise<number> {
    const shell = await this.#machine(block.machine);
    if (block.file) {
      const path = join(shell.work, block.file.name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, this.#substitute(block.file.content));
      return 0;
    }
    for (const command of block.commands) {
      const shown = command.shown.map((line) => this.#substitute(line));
      if (block.runsOn) await this.#runOn(shell, command, shown);
      else await this.#runToEnd(shell, command, shown, block.fails && command === block.commands.at(-1));
    }
    return block.commands.length;
  }

  async #runToEnd(shell: Shell, command: PageCommand, shown: readonly string[], fails: boolean): Promise<void> {
    const { exit, printed } = await shell.run(this.#substitute(command.text));
    const where = this.#at(command.line);
    const shouldFail = fails || shown.some((line) => line.startsWith('Error:'));
    const said = `${command.text}\nprinted:\n${printed.join('\n')}`;
    assert.ok(
      (exit !== 0) === shouldFail,
      `${where}: exit code ${exit}${shouldFail ? ', but the page shows a failure' : ''}: ${said}`,
    );
    const difference = shown.length === 0 ? undefined : firstDifference(shown, printed);
    if (difference === undefined) return;
    assert.fail(`${this.#lineOf(command, difference)}: not what is printed: ${shown[difference]}\n$ ${said}`);
  }

  async #runOn(shell: Shell, command: PageCommand, shown: readonly string[]): Promise<void> {
    const job = await shell.start(this.#substitute(command.text));
    const fits = (): boolean => {
      const printed = job.printed();
      return shown.length === 0 ? printed.length > 0 : firstDifference(shown, printed) === undefined;
    };
    for (let waited = 0; !fits(); waited += 20) {
      const problem = !job.isAlive()
        ? 'it has ended'
        : waited > TIMEOUT
          ? 'it does not print what is shown'
          : undefined;
      if (problem && !fits()) {
        assert.fail(`${this.#at(command.line)}: ${problem}: ${command.text}\nprinted:\n${job.printed().join('\n')}`);
      }
      await pause(20);
    }
  }

  async #machine(name: string): Promise<Shell> {
    const known = this.#machines.get(name);
    if (known) return known;
    const { directory, env, programs = {}, prepare } = this.#options;
    const home = join(directory, name, 'home');
    const work = join(directory, name, 'work');
    for (const path of [home, work]) mkdirSync(path, { recursive: true });
    const bin = installChart(join(directory, 'shims'));
    for (const [program, script] of Object.entries(programs)) {
      writeFileSync(join(bin, program), script, { mode: 0o755 });
    }
    await prepare?.(name, work, home);
    const PATH = `${bin}${delimiter}${process.env.PATH}`;
    const shell = new Shell(work, join(directory, name), cleanEnvironment(home, { PATH, ...env }));
    this.#machines.set(name, shell);
    return shell;
  }

  #substitute(text: string): string {
    let result = '';
    for (let at = 0; at < text.length; ) {
      const hit = this.#substitutions.find(([placeholder]) => text.startsWith(placeholder, at));
      result += hit ? hit[1] : text[at];
      at += hit ? hit[0].length : 1;
    }
    return result;
  }

  /** The page's line of a line that is shown: below the command, which may have several. */
  #lineOf(command: PageCommand, shown: number): string {
    return this.#at(command.line + command.text.split('\n').length + shown);
  }

  #at(line: number): string {
    return `${basename(dirname(this.#file))}/${basename(this.#file)}:${line}`;
  }
}

interface Job {
  printed(): string[];
  isAlive(): boolean;
}

/** One bash for all commands of a machine, so that directories, variables and background jobs stay. */
class Shell {
  readonly work: string;
  readonly #scratch: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #answers = '';
  #listener: () => void = () => {};
  #count = 0;

  constructor(work: string, scratch: string, env: Record<string, string>) {
    this.work = work;
    this.#scratch = scratch;
    // A process group of its own: what was started in the background is ended with it.
    this.#child = spawn('bash', ['--noprofile', '--norc'], {
      cwd: work,
      env,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    });
    this.#exited = once(this.#child, 'exit');
    this.#child.stdin?.on('error', () => {});
    (this.#child.stdio[3] as Readable).setEncoding('utf8').on('data', (text: string) => {
      this.#answers += text;
      this.#listener();
    });
    this.#child.once('exit', () => this.#listener());
    // A failure within a pipe is a failure.
    this.#send('set -o pipefail');
  }

  async run(text: string): Promise<{ exit: number; printed: string[] }> {
    const { script, output } = this.#files(text);
    this.#send(`. '${script}' > '${output}' 2>&1 < /dev/null 3>&-; echo $? >&3`);
    return { exit: Number(await this.#answer(text)), printed: readPrinted(output) };
  }

  async start(text: string): Promise<Job> {
    const { script, output } = this.#files(text);
    this.#send(`. '${script}' > '${output}' 2>&1 < /dev/null 3>&- & echo $! >&3`);
    const pid = Number(await this.#answer(text));
    return { printed: () => readPrinted(output), isAlive: () => isAlive(pid) };
  }

  /** Ends what runs in the background, servers with the time that their requests need. */
  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    this.#send("trap '' TERM; kill -TERM -- -$$; wait; exit");
    for (let waited = 0; isAlive(-pid) && waited < 10_000; waited += 20) await pause(20);
    killGroup(pid);
    await this.#exited;
  }

  #files(text: string): { script: string; output: string } {
    this.#count += 1;
    const script = join(this.#scratch, `command-${this.#count}`);
    writeFileSync(script, `${text}\n`);
    return { script, output: `${script}.printed` };
  }

  #send(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  async #answer(text: string): Promise<string> {
    const timer = setTimeout(() => killGroup(this.#child.pid as number), TIMEOUT);
    try {
      for (;;) {
        const end = this.#answers.indexOf('\n');
        if (end >= 0) {
          const answer = this.#answers.slice(0, end);
          this.#answers = this.#answers.slice(end + 1);
          return answer;
        }
        assert.ok(this.#child.exitCode === null && this.#child.signalCode === null, `the shell has ended: ${text}`);
        await new Promise<void>((resolve) => {
          this.#listener = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

function readPrinted(output: string): string[] {
  return existsSync(output) ? trimBlank(readFileSync(output, 'utf8').split('\n')) : [];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
