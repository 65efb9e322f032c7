/** The order of file names everywhere in a chart: that of their UTF-8 bytes, as Go and `LC_ALL=C` sort them. */

/** Compares two strings by their UTF-8 bytes, without encoding them. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates (code points from U+10000) before U+E000 to U+FFFF, UTF-8 puts them after. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
