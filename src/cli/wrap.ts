/** Running text of the help, at the width of its options. */

/** Joins and breaks lines that begin at the margin and are too long; what is indented, and what fits, stays as it is. */
export function wrapParagraphs(text: string, width: number): string {
  return text
    .split(/(\n{2,})/)
    .map((block) => (needsWrapping(block, width) ? wrapBlock(block, width) : block))
    .join('');
}

function needsWrapping(block: string, width: number): boolean {
  const lines = block.split('\n').filter((line) => line !== '');
  return lines.every((line) => /^[^\s]/.test(line)) && lines.some((line) => line.length > width);
}

function wrapBlock(block: string, width: number): string {
  const [, before = '', body = '', after = ''] = /^(\n*)([\s\S]*?)(\n*)$/.exec(block) ?? [];
  const lines: string[] = [];
  for (const word of body.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return before + lines.join('\n') + after;
}
