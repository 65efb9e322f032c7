/** Whether bytes are JSON in the eyes of Go's `json.Valid`: it does not mind broken UTF-8 within strings. */

const MAX_DEPTH = 10_000;

export function isValidJson(bytes: Uint8Array): boolean {
  // A character for each byte: outside of strings none above ASCII is allowed, within them any will do.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (isTooDeep(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/[[{]|[\]}]|"(?:[^"\\]|\\.)*"/gs)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
