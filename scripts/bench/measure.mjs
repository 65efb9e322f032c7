// Runs two sides in turn, so that both meet the same load of the machine, and takes the median of the ratios of the pairs.
import { spawn } from 'node:child_process';

/**
 * One row. `ours` and `theirs` are `{ commands, charts }`: what is run one after another, and how many charts that handles; or a
 * function that does the work in this process. `prepare(side, turn)` puts everything back before a run and gives its environment.
 */
export async function measure({ topic, name, against, ours, theirs, prepare = () => ({}), runs: most }, runs, stage) {
  const ratios = [];
  const count = Math.min(runs, most ?? runs);
  for (let turn = 0; turn < count; turn++) {
    const sides = turn % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours'];
    const times = {};
    for (const side of sides)
      times[side] = await time(side === 'ours' ? ours : theirs, await prepare(side, turn), stage);
    ratios.push(times.ours / times.theirs);
  }
  return {
    key: `${name} / ${against}`,
    topic,
    name,
    against,
    ratio: median(ratios),
    spread: spreadOf(ratios),
    runs: count,
  };
}

/** Milliseconds a chart, or of all where charts do not count. */
async function time(side, env, stage) {
  const { commands, charts = 1, work } = typeof side === 'function' ? { work: side } : side;
  const start = process.hrtime.bigint();
  if (work) await work();
  else for (const command of commands) await stage.run(command, env);
  return Number(process.hrtime.bigint() - start) / 1e6 / charts;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length % 2
    ? sorted[sorted.length >> 1]
    : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
}

/** How far the ratios lie from their median, relative to it: the median of that. */
export function spreadOf(values) {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle))) / middle;
}

/** Runs a command to its end. Rejects unless it ends with 0. */
export function runCommand([file, ...args], { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${[file, ...args].join(' ').slice(0, 300)} ended with ${code}: ${errors.slice(-2000)}`));
    });
  });
}
