// Puts parts that most commands need into one file: to find, open and read a file takes Node as long as to compile some kilobytes.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';

/**
 * Moves what the sources `of` load at once into `file`, and has all other parts look for it there. What the source `first` loads
 * at once is copied into its own file and into this one, so that it needs no other: only sources without state, those of `copied`.
 *
 * @param outputs of esbuild's metafile; each is a CommonJS module by now
 * @returns the files that there are now
 */
export function joinParts(file, outputs, { of, first, copied }) {
  const [main, ...both] = reached(outputs, [first]);
  for (const input of both.flatMap((path) => Object.keys(outputs[path].inputs))) {
    if (!copied.includes(input))
      throw new Error(`${first} loads ${input}, which may have a state and cannot be there twice`);
  }
  const moved = [...reached(outputs, of)].filter((path) => path !== main && !both.includes(path));
  const redirect = (path, loads) =>
    readFileSync(path, 'utf8').replace(/\brequire\("\.\.?\/(?:parts\/)?([\w-]+)\.cjs"\)/g, (whole, name) => {
      const load = loads.find(({ parts }) => parts.some((part) => basename(part, '.cjs') === name))?.load;
      return load === undefined ? whole : `${load}("${name}")`;
    });
  const here = { load: '__load', parts: [...both, ...moved] };
  const text = `${table(here.parts, (path) => redirect(path, [here]))}module.exports=__load;\n`;
  const others = Object.keys(outputs).filter((path) => !moved.includes(path));
  const texts = others.map((path) => {
    const place = relative(dirname(path), file).replaceAll('\\', '/');
    const there = { load: `require("${place.startsWith('.') ? place : `./${place}`}")`, parts: moved };
    if (path !== main) return redirect(path, [there]);
    const own = { load: '__load', parts: both };
    return `${table(both, (part) => redirect(part, [own]))}${redirect(main, [own, there])}`;
  });
  for (const [index, path] of others.entries()) writeFileSync(path, texts[index]);
  for (const path of moved) rmSync(path);
  writeFileSync(file, text);
  return [...others, file];
}

/** Parts as functions, and `__load`, which runs one when it is first asked for. */
function table(paths, read) {
  const helpers = new Map();
  // In parentheses, or else the engine would not compile a part at once, and then a second time.
  const parts = paths.map(
    (path) =>
      `${JSON.stringify(basename(path, '.cjs'))}:(function(module,exports){${takeHelpers(read(path), helpers)}})`,
  );
  // Nobody changes what a part exports, so that needs no copy.
  helpers.set('__toCommonJS', 'var __toCommonJS = (mod) => __defProp(mod, "__esModule", { value: true });\n');
  return `${[...helpers.values()].join('')}var __parts={__proto__:null,
${parts.join(',\n')}},__loaded={__proto__:null};
function __load(name){var module=__loaded[name];if(!module){module=__loaded[name]={exports:{}};__parts[name](module,module.exports)}return module.exports}
`;
}

/** Moves what esbuild has put at the head of every part into `helpers`, by name. */
function takeHelpers(text, helpers) {
  const end = text.indexOf('var stdin_exports');
  if (end < 0) throw new Error('esbuild begins a part in another way than before');
  for (const helper of text.slice(0, end).split(/^(?=var )/m)) {
    const name = /^var (__\w+) = /.exec(helper)?.[1];
    if (name === undefined || (helpers.get(name) ?? helper) !== helper) throw new Error(`not a helper: ${helper}`);
    helpers.set(name, helper);
  }
  return text.slice(end);
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
