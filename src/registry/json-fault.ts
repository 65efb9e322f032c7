/** Where text stops being JSON. The words of JSON.parse cannot be used where the text holds secrets: they quote it. */

const TOKEN =
  /[\t\n\r ]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*")|(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-]))/y;
const BLANKS = /[\t\n\r ]*/y;

/** What may come next: a value, a value or the end of an array, a key or the end of an object, ... */
type State = 'value' | 'value-or-]' | 'key-or-}' | 'key' | ':' | ',-or-]' | ',-or-}' | 'end';

/** Line and column, both from 1, of the first thing that cannot be there. */
export function findJsonFault(text: string): { line: number; column: number } {
  const open: ('{' | '[')[] = [];
  let state: State = 'value';
  let at = 0;
  const afterValue = (): State => (open.length === 0 ? 'end' : open.at(-1) === '[' ? ',-or-]' : ',-or-}');
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const next: State | undefined = match
      ? step(state, match[1] ?? (match[2] === undefined ? 'scalar' : 'string'))
      : undefined;
    if (!match || next === undefined) break;
    at = TOKEN.lastIndex;
    state = next;
  }
  BLANKS.lastIndex = at;
  const before = text.slice(0, at + (BLANKS.exec(text)?.[0].length ?? 0));
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };

  function step(from: State, token: string): State | undefined {
    const mayBeValue = from === 'value' || from === 'value-or-]';
    switch (token) {
      case '{':
      case '[':
        if (!mayBeValue) return undefined;
        open.push(token);
        return token === '{' ? 'key-or-}' : 'value-or-]';
      case '}':
        return from === 'key-or-}' || from === ',-or-}' ? close() : undefined;
      case ']':
        return from === 'value-or-]' || from === ',-or-]' ? close() : undefined;
      case ',':
        return from === ',-or-}' ? 'key' : from === ',-or-]' ? 'value' : undefined;
      case ':':
        return from === ':' ? 'value' : undefined;
      case 'string':
        return from === 'key' || from === 'key-or-}' ? ':' : mayBeValue ? afterValue() : undefined;
      default:
        return mayBeValue ? afterValue() : undefined;
    }
  }

  function close(): State {
    open.pop();
    return afterValue();
  }
}
