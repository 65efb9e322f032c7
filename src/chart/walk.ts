/**
 * The files of a chart directory, found by Helm's rules.
 *
 * - `.helmignore` of the top directory decides, and Helm's own `templates/.?*`; an ignored directory is not entered.
 * - Links are followed, also out of the chart. Rules see the path of the link and the type of what it leads to. A link that
 *   leads nowhere is an error even where it is ignored; one that leads to a directory it lies in is an error where it is not
 *   (Helm goes round until the system stops it).
 * - What is neither file nor directory is an error unless ignored.
 *
 * System calls are synchronous: for thousands of small files the waiting between asynchronous ones would cost several times
 * as much as the calls. Other work gets its turn in between.
 */
import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ChartError, throwIfCancelled } from '../errors.js';
import { ChartBudget } from './archive/budget.js';
import { quoteName, unsafeSegment } from './archive/entry-path.js';
import { PathSet } from './archive/path-set.js';
import { compareBytes } from './byte-order.js';
import type { IgnoreRules } from './ignore.js';
import { resolveLink } from './link.js';
import type { PackedFile } from './pack.js';
import { tryRead } from './source-file.js';

export interface WalkedChart {
  /** In the order in which Helm comes across them: directory by directory, names in the order of their bytes. */
  readonly files: readonly PackedFile[];
  /** Directories from which nothing is left, be it because nothing was in them or because all of it is ignored. */
  readonly emptyDirectories: readonly string[];
  /** One for each link that leads out of the chart. */
  readonly warnings: readonly string[];
}

export interface WalkOptions {
  readonly rules: IgnoreRules;
  readonly budget?: ChartBudget;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @throws ChartError `CHART_SOURCE_UNREADABLE`, `LIMIT_EXCEEDED`, `CANCELLED`; `CHART_INVALID` for a name that no archive can
 *   have, `ARCHIVE_UNSAFE` for two that differ only in case
 */
export async function walkChart(directory: string, { rules, budget, signal }: WalkOptions): Promise<WalkedChart> {
  const source = path.resolve(directory);
  const real = tryRead('open', source, () => realpathSync.native(source));
  const walk = new Walk({ rules, budget: budget ?? new ChartBudget(), root: real, signal });
  await walk.enter({ path: '', source, real });
  return walk.result();
}

/** A directory on the way. */
interface Place {
  /** Relative to the chart's root. */
  readonly path: string;
  /** Absolute, through links. */
  readonly source: string;
  /** Absolute, without links. */
  readonly real: string;
}

interface Terms {
  readonly rules: IgnoreRules;
  readonly budget: ChartBudget;
  /** The real path of the chart. */
  readonly root: string;
  readonly signal: AbortSignal | undefined;
}

/** Entries after which other work gets its turn: some 10 ms. */
const TURN = 1000;

class Walk {
  readonly #terms: Terms;
  readonly #files: PackedFile[] = [];
  readonly #emptyDirectories: string[] = [];
  readonly #warnings: string[] = [];
  readonly #paths = new PathSet();
  /** The real paths of the directories that lead here. */
  readonly #trail: string[] = [];
  #seen = 0;

  constructor(terms: Terms) {
    this.#terms = terms;
  }

  result(): WalkedChart {
    return { files: this.#files, emptyDirectories: this.#emptyDirectories, warnings: this.#warnings };
  }

  async enter(directory: Place): Promise<void> {
    if (this.#trail.includes(directory.real)) throw circular(directory);
    this.#trail.push(directory.real);
    const found = this.#files.length + this.#emptyDirectories.length;
    const children = tryRead('open', directory.source, () => readdirSync(directory.source, { withFileTypes: true }));
    for (const child of children.sort((a, b) => compareBytes(a.name, b.name))) {
      this.#seen += 1;
      if (this.#seen % TURN === 0) await setImmediate();
      throwIfCancelled(this.#terms.signal);
      const below = this.#visit(directory, child);
      if (below !== undefined) await this.enter(below);
    }
    if (directory.path !== '' && this.#files.length + this.#emptyDirectories.length === found) {
      this.#paths.add(directory.path, true);
      this.#emptyDirectories.push(directory.path);
    }
    this.#trail.pop();
  }

  /** Takes a file; hands back a directory that is to be entered. */
  #visit(parent: Place, child: Dirent): Place | undefined {
    const { rules, budget, root } = this.#terms;
    const chartPath = parent.path === '' ? child.name : `${parent.path}/${child.name}`;
    const source = path.join(parent.source, child.name);
    const isLink = child.isSymbolicLink();
    const real = isLink ? resolveLink(source) : path.join(parent.real, child.name);
    const type = isLink ? tryRead('stat', source, () => statSync(source)) : child;
    if (rules.ignores(chartPath, type.isDirectory())) return undefined;
    if (!type.isFile() && !type.isDirectory()) throw irregular(source);
    budget.addEntry();
    checkName(chartPath, child.name, budget);
    if (isLink && !isWithin(root, real)) {
      this.#warnings.push(`found symbolic link in path: ${source} resolves to ${real}, outside of the chart`);
    }
    if (type.isDirectory()) return { path: chartPath, source, real };
    const { size, mode } = tryRead('stat', source, () => statSync(source));
    budget.addBytes(size);
    this.#paths.add(chartPath, false);
    this.#files.push({ path: chartPath, size, executable: (mode & 0o100) !== 0, source });
    return undefined;
  }
}

function checkName(chartPath: string, name: string, budget: ChartBudget): void {
  budget.checkDepth(chartPath.split('/').length);
  const reason = unsafeSegment(name);
  if (reason === undefined) return;
  throw new ChartError('CHART_INVALID', `cannot pack ${quoteName(chartPath)}: ${reason}`, {
    hint: 'Rename it, or name it in .helmignore.',
  });
}

function isWithin(root: string, real: string): boolean {
  const relative = path.relative(root, real);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

function circular({ source, real }: Place): ChartError {
  return new ChartError('CHART_SOURCE_UNREADABLE', `${source} leads back to ${real}, in which it lies`, {
    hint: 'Remove the symbolic link, or name it in .helmignore.',
  });
}

function irregular(source: string): ChartError {
  return new ChartError(
    'CHART_SOURCE_UNREADABLE',
    `cannot load irregular file ${source} as it has file mode type bits set`,
    { hint: 'A chart holds files and directories; sockets, FIFOs and devices must be named in .helmignore.' },
  );
}
