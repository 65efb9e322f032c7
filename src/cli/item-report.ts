/**
 * What is printed while a command works on several items: text as each goes, in the order of the items; or references
 * only; or one JSON or YAML document at the end. A failure goes to standard error when its turn comes, and the rest go on.
 */
import { ChartError } from '../errors.js';
import type { Outcome } from '../operations/outcome.js';
import type { Context } from './context.js';
import type { CommonOptions, FormatOptions } from './options.js';
import { OrderedOutput } from './output.js';
import { renderData } from './render.js';

interface Rendering<Result> {
  /** What a person reads when the item is done. */
  text(result: Result): string;
  /** What `--quiet` prints. */
  quiet(result: Result): string;
  /** What JSON and YAML hold. */
  data(result: Result): object;
}

export class ItemReport<Result> {
  readonly #context: Context;
  readonly #items: readonly string[];
  readonly #style: 'text' | 'quiet' | 'data';
  readonly #format: FormatOptions['output'];
  readonly #rendering: Rendering<Result>;
  readonly #order: OrderedOutput;
  readonly #data: (object | undefined)[];

  constructor(
    context: Context,
    items: readonly string[],
    options: Pick<CommonOptions, 'quiet'> & Partial<FormatOptions>,
    rendering: Rendering<Result>,
  ) {
    this.#context = context;
    this.#items = items;
    this.#format = options.output ?? 'table';
    this.#style = this.#format !== 'table' ? 'data' : options.quiet ? 'quiet' : 'text';
    this.#rendering = rendering;
    this.#order = new OrderedOutput(items.length);
    this.#data = new Array(items.length).fill(undefined);
  }

  /** Text before the item is done, such as what is about to be pushed. */
  progress(index: number, text: string): void {
    if (this.#style === 'text') this.#order.add(index, () => this.#context.stdout.write(text));
  }

  /** A warning, beside what is printed of the item. */
  warn(index: number, text: string): void {
    this.#order.add(index, () => this.#context.printWarning(text));
  }

  done(index: number, outcome: Outcome<Result>): void {
    const { error, result } = outcome;
    if (error) {
      this.#data[index] = { item: outcome.item, status: 'failed', error: describeError(error) };
      this.#order.add(index, () => this.#context.printError(this.#named(outcome.item, error)));
    } else if (this.#style === 'data') {
      this.#data[index] = { item: outcome.item, ...this.#rendering.data(result) };
    } else {
      const text = this.#style === 'quiet' ? this.#rendering.quiet(result) : this.#rendering.text(result);
      this.#order.add(index, () => this.#context.stdout.write(text));
    }
    this.#order.finish(index);
  }

  /** Prints the document, where one was asked for. */
  async end(): Promise<void> {
    if (this.#format === 'table') return;
    this.#context.stdout.write(await renderData(this.#data, this.#format));
  }

  /** With several items, an error says which one it is about. */
  #named(item: string, error: ChartError): ChartError {
    return this.#items.length === 1 ? error : withItem(item, error);
  }
}

/** The error with the item that it is about, unless it names it. */
export function withItem(item: string, error: ChartError): ChartError {
  if (error.message.includes(item)) return error;
  return new ChartError(error.code, `${item}: ${error.message}`, { hint: error.hint, cause: error });
}

function describeError({ code, message, hint }: ChartError): object {
  return { code, message, ...(hint !== undefined && { hint }) };
}
