/** Shell patterns over whole references: `*` stands for any text, `/` included, `?` for one character. */

/** True for what is meant as a pattern: no valid reference holds these characters. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** A test of whole references. */
export function patternTest(pattern: string): (ref: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (ref) => expression.test(ref);
}
