// Puts parts that most commands need into one file: to find, open and read a file takes Node as long as to compile some kilobytes.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';

/**
 * Moves what the sources `of` load at once into `file`, except for what those of `without` do, and has all other parts look for it there.
 *
 * @param outputs of esbuild's metafile; each is a CommonJS module by now
 * @returns the files that there are now
 */
export function joinParts(file, outputs, { of, without }) {
  const left = reached(outputs, without);
  const moved = [...reached(outputs, of)].filter((path) => !left.has(path));
  const names = new Set(moved.map((path) => basename(path, '.cjs')));
  const redirect = (path, load) =>
    readFileSync(path, 'utf8').replace(/\brequire\("\.\.?\/(?:parts\/)?([\w-]+)\.cjs"\)/g, (whole, name) =>
      names.has(name) ? `${load}("${name}")` : whole,
    );
  // In parentheses, or else the engine would not compile a part at once, and then a second time.
  const parts = moved.map(
    (path) => `${JSON.stringify(basename(path, '.cjs'))}:(function(module,exports){${redirect(path, '__load')}})`,
  );
  const text = `var __parts={__proto__:null,\n${parts.join(',\n')}},__loaded={__proto__:null};
function __load(name){var module=__loaded[name];if(!module){module=__loaded[name]={exports:{}};__parts[name](module,module.exports)}return module.exports}
module.exports=__load;
`;
  const others = Object.keys(outputs).filter((path) => !moved.includes(path));
  for (const path of others) {
    const place = relative(dirname(path), file).replaceAll('\\', '/');
    writeFileSync(path, redirect(path, `require("${place.startsWith('.') ? place : `./${place}`}")`));
  }
  for (const path of moved) rmSync(path);
  writeFileSync(file, text);
  return [...others, file];
}

/** The outputs of the sources and all that these import, but for what they import later. */
function reached(outputs, sources) {
  const found = new Set();
  const visit = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: imported, kind } of outputs[path].imports) {
      if (kind === 'import-statement' && outputs[imported]) visit(imported);
    }
  };
  for (const source of sources) {
    const path = Object.keys(outputs).find((output) => outputs[output].entryPoint === source);
    if (path === undefined) throw new Error(`${source} is in no part of its own`);
    visit(path);
  }
  return found;
}
