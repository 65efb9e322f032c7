/** An index in JSON, `{"apiVersion": "v1", "entries": {"web": [...], ...}}`, in pieces: one for each chart. */

export interface JsonPiece {
  readonly chart: string;
  readonly text: string;
}

export interface JsonIndex {
  /** The members beside `entries`, as JSON. */
  readonly head: string;
  /** In the order of the file; the same chart may be there twice. */
  readonly pieces: readonly JsonPiece[];
}

/** @returns undefined for what is not written as above: flow style, or no JSON at all */
export function splitJson(text: string): JsonIndex | undefined {
  const pieces: JsonPiece[] = [];
  const head: string[] = [];
  const end = members(text, blanks(text, 0), (key, start, end) => {
    if (key !== 'entries' || text[start] !== '{') {
      head.push(`${JSON.stringify(key)}:${text.slice(start, end)}`);
      return;
    }
    head.push('"entries":{}');
    members(text, start, (chart, from, to) => pieces.push({ chart, text: text.slice(from, to) }));
  });
  if (end === undefined || blanks(text, end) !== text.length) return undefined;
  return { head: `{${head.join(',')}}`, pieces };
}

type OnMember = (key: string, start: number, end: number) => void;

/** The members of the object at `start`. @returns where it ends; undefined where it is none */
function members(text: string, start: number, onMember: OnMember): number | undefined {
  if (text[start] !== '{') return undefined;
  let at = blanks(text, start + 1);
  if (text[at] === '}') return at + 1;
  for (;;) {
    const keyEnd = text[at] === '"' ? stringEnd(text, at) : undefined;
    const key = keyEnd === undefined ? undefined : parseString(text.slice(at, keyEnd));
    if (keyEnd === undefined || key === undefined) return undefined;
    at = blanks(text, keyEnd);
    if (text[at] !== ':') return undefined;
    at = blanks(text, at + 1);
    const end = valueEnd(text, at);
    if (end === undefined) return undefined;
    onMember(key, at, end);
    at = blanks(text, end);
    if (text[at] === '}') return at + 1;
    if (text[at] !== ',') return undefined;
    at = blanks(text, at + 1);
  }
}

function valueEnd(text: string, start: number): number | undefined {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== '{' && first !== '[') {
    const end = start + (/^[^,}\]\s]*/.exec(text.slice(start, start + 64))?.[0].length ?? 0);
    return end > start ? end : undefined;
  }
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      const end = stringEnd(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at + 1;
  }
  return undefined;
}

function parseString(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

function blanks(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return at;
}
