/**
 * An index.yaml in pieces, so that one of any size takes little memory. Helm writes it like this, and so do others:
 *
 *     apiVersion: v1                 head
 *     entries:
 *       web:                         one list for each chart
 *       - name: web                  one piece for each version: all lines up to the next "-" of the same indent
 *         version: 1.4.0
 *       - ...
 *     generated: "2026-11-25T..."    head, too
 *
 * Within the list of a chart no line is indented less than its items, not even in a text of several lines, so that lines are
 * all that has to be looked at. What is written in another way (JSON, flow style) is collected whole.
 */
import { ChartError } from '../errors.js';

/** One version of a chart, as text. */
export interface IndexPiece {
  /** The key under `entries`. */
  readonly chart: string;
  /** YAML: a list of one item, or `value` where the chart is not written as a list of lines. */
  readonly text: string;
  /** Line of the file, counted from 1. */
  readonly line: number;
}

export interface SplitterOptions {
  /** Charts to look into. */
  readonly wanted: (chart: string) => boolean;
  readonly onPiece: (piece: IndexPiece) => void;
  /** For errors. */
  readonly where: string;
}

export const HEAD_LIMIT = 1024 * 1024;
/** Characters of an index that is not written in lines. */
export const WHOLE_LIMIT = 64 * 1024 * 1024;
/** Characters of one version. */
export const PIECE_LIMIT = 8 * 1024 * 1024;

const ENTRIES = /^(?:entries|"entries"|'entries')[ \t]*:[ \t]*(.*)$/;
const KEY =
  /^(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s"'#&*!|>%@`{}[\],?:-](?:[^:#]|:(?=\S)|(?<=\S)#)*?|-[^\s:][^:#]*?))[ \t]*:(?:[ \t]+(.*))?$/;

type State = 'head' | 'entries' | 'skipping' | 'ended';

export class IndexSplitter {
  readonly #options: SplitterOptions;
  readonly #charts = new Set<string>();
  #state: State = 'head';
  #carry = '';
  #line = 0;
  #head: string[] = [];
  #headSize = 0;
  /** What is not written in lines, from its first line on. */
  #whole: string[] | undefined;
  #wholeSize = 0;
  #hasEntries = false;
  #keyIndent: number | undefined;
  #itemIndent: number | undefined;
  #chart: string | undefined;
  #piece: string[] = [];
  #pieceSize = 0;
  #pieceLine = 0;

  constructor(options: SplitterOptions) {
    this.#options = options;
  }

  /** The next part of the text. @throws ChartError `REPOSITORY_INVALID`, `LIMIT_EXCEEDED` */
  push(text: string): void {
    let rest = this.#carry + text;
    if (this.#whole === undefined && /^\s*[{[]/.test(rest) && this.#state === 'head' && this.#head.length === 0) {
      this.#whole = [];
    }
    if (this.#whole !== undefined) {
      this.#collect(rest);
      this.#carry = '';
      return;
    }
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      this.#take(rest.slice(start, end));
      start = end + 1;
      if (this.#whole !== undefined) {
        this.#collect(rest.slice(start));
        this.#carry = '';
        return;
      }
    }
    rest = rest.slice(start);
    if (rest.length > PIECE_LIMIT) throw this.#tooLarge('a line', PIECE_LIMIT);
    this.#carry = rest;
  }

  /** @returns the members of the document beside the pieces; or the whole document */
  end(): { readonly head: string; readonly hasEntries: boolean } | { readonly whole: string } {
    if (this.#carry !== '') this.#take(this.#carry);
    this.#flush();
    if (this.#whole !== undefined) return { whole: this.#whole.join('') };
    return { head: this.#head.join('\n'), hasEntries: this.#hasEntries };
  }

  #take(raw: string): void {
    this.#line += 1;
    if (this.#state === 'ended') return;
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const indent = indentOf(line);
    const first = line[indent];
    if (first === undefined || first === '#') {
      this.#append(line);
    } else if (indent === 0) {
      this.#takeTop(line);
    } else if (this.#state === 'head') {
      this.#addHead(line);
    } else {
      this.#takeEntry(line, indent);
    }
  }

  #takeTop(line: string): void {
    this.#flush();
    this.#chart = undefined;
    if (/^(?:---|\.\.\.)(?:\s|$)/.test(line)) {
      if (this.#head.length > 0 || this.#hasEntries || line.startsWith('.')) this.#state = 'ended';
      else if (line.trim() !== '---') this.#startWhole(line);
      return;
    }
    const entries = ENTRIES.exec(line);
    this.#state = 'head';
    if (!entries) {
      this.#addHead(line);
      return;
    }
    if (this.#hasEntries) throw this.#invalid('it has "entries" twice');
    this.#hasEntries = true;
    const rest = withoutComment(entries[1] ?? '');
    if (rest === '') this.#state = 'entries';
    else if (!['{}', 'null', '~'].includes(rest)) this.#startWhole(line);
  }

  #takeEntry(line: string, indent: number): void {
    this.#keyIndent ??= indent;
    const isItem = line[indent] === '-' && /^(?:\s|$)/.test(line.slice(indent + 1));
    if (indent < this.#keyIndent) throw this.#invalid(`line ${this.#line} is indented less than the entries`);
    if (indent === this.#keyIndent && !isItem) {
      this.#takeChart(line.slice(indent));
      return;
    }
    if (isItem && this.#chart === undefined && this.#state === 'entries') throw this.#invalid('"entries" is a list');
    if (isItem) {
      this.#itemIndent ??= indent;
      if (indent === this.#itemIndent) this.#flush();
    }
    this.#append(line);
  }

  #takeChart(text: string): void {
    this.#flush();
    this.#itemIndent = undefined;
    const key = KEY.exec(text);
    if (!key) throw this.#invalid(`line ${this.#line} is no chart name`);
    const chart = keyOf(key);
    if (this.#charts.has(chart)) throw this.#invalid(`it has the chart ${JSON.stringify(chart)} twice`);
    this.#charts.add(chart);
    this.#state = this.#options.wanted(chart) ? 'entries' : 'skipping';
    this.#chart = chart;
    const rest = withoutComment(key[4] ?? '');
    if (!['', '[]', 'null', '~'].includes(rest)) this.#append(rest);
  }

  #append(line: string): void {
    if (this.#state === 'head') {
      if (this.#head.length > 0) this.#addHead(line);
      return;
    }
    if (this.#state !== 'entries' || this.#chart === undefined) return;
    if (this.#piece.length === 0) {
      if (line.trim() === '') return;
      this.#pieceLine = this.#line;
    }
    this.#pieceSize += line.length + 1;
    if (this.#pieceSize > PIECE_LIMIT) throw this.#tooLarge(`an entry of ${JSON.stringify(this.#chart)}`, PIECE_LIMIT);
    this.#piece.push(line);
  }

  #flush(): void {
    if (this.#piece.length === 0 || this.#chart === undefined) return;
    const text = this.#piece.join('\n');
    this.#piece = [];
    this.#pieceSize = 0;
    this.#options.onPiece({ chart: this.#chart, text: `${text}\n`, line: this.#pieceLine });
  }

  #addHead(line: string): void {
    this.#headSize += line.length + 1;
    if (this.#headSize > HEAD_LIMIT) throw this.#tooLarge('what is not "entries"', HEAD_LIMIT);
    this.#head.push(line);
  }

  #startWhole(line: string): void {
    this.#whole = [];
    this.#collect(`${[...this.#head, line].join('\n')}\n`);
  }

  #collect(text: string): void {
    this.#wholeSize += text.length;
    if (this.#wholeSize > WHOLE_LIMIT) throw this.#tooLarge('an index that is not written in lines', WHOLE_LIMIT);
    this.#whole?.push(text);
  }

  #invalid(reason: string): ChartError {
    return new ChartError('REPOSITORY_INVALID', `${this.#options.where} cannot be used: ${reason}`, {
      hint: 'Whoever runs the repository has to make its index anew, such as with "helm repo index".',
    });
  }

  #tooLarge(what: string, limit: number): ChartError {
    return new ChartError('LIMIT_EXCEEDED', `${this.#options.where}: ${what} has more than ${limit} characters`);
  }
}

function indentOf(line: string): number {
  let indent = 0;
  while (line[indent] === ' ') indent += 1;
  return line.slice(indent).trim() === '' ? line.length : indent;
}

function withoutComment(text: string): string {
  return text.replace(/(?:^|\s)#.*$/, '').trim();
}

function keyOf([, double, single, plain]: RegExpExecArray): string {
  if (double !== undefined) return parseDouble(double);
  return single !== undefined ? single.replaceAll("''", "'") : (plain as string).trim();
}

/** Escapes of YAML that are none in JSON make no chart name: they are left as they are. */
function parseDouble(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
