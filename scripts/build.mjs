// Builds dist/: the program in lazily loaded parts, the library, and its types. Everything that is imported is bundled,
// so that an installed package needs no other package and starts fast.
//
// The parts are CommonJS: Node reads each at once and in turn, and makes no copy of all that its own modules export, which
// would open standard input and load half of its cryptography.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { build, transform } from 'esbuild';
import { joinParts } from './join-parts.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist', { recursive: true, force: true });

const libraries = ['index', ...readdirSync('src/library').map((file) => `library/${file.replace(/\.ts$/, '')}`)];

const result = await build({
  entryPoints: {
    'cli/main': 'src/cli/main.ts',
    ...Object.fromEntries(libraries.map((name) => [name, `src/${name}.ts`])),
    // Started as a thread, from a part that lies beside it.
    'parts/bcrypt-worker': 'src/server/bcrypt-worker.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'parts/[name]-[hash]',
  define: { CHART_VERSION: JSON.stringify(version) },
  legalComments: 'none',
  plugins: [
    { name: 'commander', setup: reduceCommander },
    { name: 'validator', setup: compileValidator },
    { name: 'undici', setup: reduceUndici },
  ],
  metafile: true,
  logLevel: 'warning',
});

// Only ES modules can be split, so what was split is converted file by file.
for (const file of Object.keys(result.metafile.outputs)) {
  const { code, warnings } = await transform(readFileSync(file, 'utf8'), {
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    supported: { 'dynamic-import': false },
    // What asks for it makes a require() of it.
    define: { 'import.meta.url': '__filename', 'import.meta.dirname': '__dirname' },
    legalComments: 'none',
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error(`${file} cannot be converted`);
  writeFileSync(file, requireLate(code));
}
const files = joinParts('dist/parts/start.cjs', result.metafile.outputs, {
  of: [
    'src/cli/run.ts',
    'src/cli/commands/list.ts',
    'src/operations/list.ts',
    'src/layout/layout.ts',
    'src/cli/table.ts',
  ],
  first: 'src/cli/main.ts',
  copied: ['src/cli/version.ts'],
});
for (const file of files) {
  // Less to read and to parse; names stay, for the traces of errors.
  const small = await transform(readFileSync(file, 'utf8'), {
    minifyWhitespace: true,
    minifySyntax: true,
    // Node prints the line of an error that nobody catches.
    lineLimit: 160,
    legalComments: 'none',
  });
  writeFileSync(file, small.code);
}
for (const name of libraries) {
  const { exports } = result.metafile.outputs[`dist/${name}.cjs`];
  writeFileSync(
    `dist/${name}.js`,
    `import library from './${basename(name)}.cjs';\n\nexport const { ${exports.join(', ')} } = library;\n`,
  );
}

const packages = packagesOf(Object.keys(result.metafile.inputs));
writeFileSync('dist/LICENSES.txt', licences(packages));
writeFileSync('dist/packages.json', `${JSON.stringify(packages.map(readPackage), undefined, 2)}\n`);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript-native/package.json')), 'bin', 'tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { stdio: 'inherit' });

/**
 * Has modules of Node loaded where they are first used, for a command seldom needs all that its parts mention. Some are there
 * in any case.
 */
function requireLate(code) {
  const early = ['node:fs', 'node:path', 'node:util', 'node:events', 'node:buffer'];
  // A default import is the module itself: esbuild makes a copy with all that it has, half of which then is loaded.
  const text = code.replace(
    /^var (import_\w+) = __toESM\((require\("node:[a-z_/]+"\))\);\n/gm,
    (line, name, module) => {
      const isCopied = new RegExp(`\\b${name}\\b(?! = |\\.default\\b)`).test(code);
      return isCopied ? line : `var ${name}_default = ${module};\n`;
    },
  );
  const named = text.replace(/\b(import_\w+)\.default\b/g, (use, name) =>
    text.includes(`var ${name}_default = `) ? `${name}_default` : use,
  );
  const required = [...named.matchAll(/^var (import_\w+) = require\("(node:[a-z/_]+)"\);\n/gm)];
  return required
    .filter(([, , module]) => !early.includes(module))
    .reduce((text, [line, name, module]) => {
      // In parentheses, or else `new` would take the call for the class.
      return text.replace(line, '').replace(new RegExp(`\\b${name}\\b`, 'g'), `(require("${module}"))`);
    }, named);
}

/**
 * commander is a fourth of what every command loads. It needs child_process, which takes long to load, only for commands that
 * are programs of their own, of which there are none here.
 */
function reduceCommander(plugin) {
  reducePackage(plugin, /node_modules[\\/]commander[\\/]lib[\\/]\w+\.js$/, {
    file: 'command.js',
    load: "const childProcess = require('node:child_process');\n",
    change: (text, load) => text.replace(load, '').replaceAll('childProcess.', "require('node:child_process')."),
  });
}

/** HTTP/2, which takes long to load, is not asked for. */
function reduceUndici(plugin) {
  reducePackage(plugin, /node_modules[\\/]undici[\\/]lib[\\/].+\.js$/, {
    file: 'client-h2.js',
    load: "http2 = require('node:http2')",
    change: (text, load) => text.replace(load, 'http2 = { constants: {} }'),
  });
}

/** Names that only the package uses are made short, and one of its files does not load what it does not need. */
function reducePackage({ onLoad }, filter, { file, load, change }) {
  onLoad({ filter }, async ({ path }) => {
    const text = readFileSync(path, 'utf8');
    const isChanged = basename(path) === file;
    if (isChanged && !text.includes(load)) throw new Error(`${path} does not load as before: ${load.trim()}`);
    const { code } = await transform(isChanged ? change(text, load) : text, {
      minifyIdentifiers: true,
      target: 'node20.19',
      legalComments: 'none',
    });
    return { contents: code };
  });
}

/**
 * What checks mirror files is compiled by ajv here and not in the program: that took as long as a small mirror. The function
 * that the module exports gives the code, so that the tests which import the source have the same.
 */
function compileValidator({ onLoad }) {
  onLoad({ filter: /[\\/]mirror[\\/]validator\.ts$/ }, async ({ path }) => {
    const { outputFiles } = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      packages: 'external',
    });
    const require = createRequire(import.meta.url);
    const module = { exports: {} };
    new Function('module', 'require', outputFiles[0].text)(module, require);
    const code = standalone.default(new Ajv({ code: { source: true, esm: true } }), module.exports.validateMirrorFile);
    return { contents: `${code}\nexport { validate as validateMirrorFile };\n` };
  });
}

/** The directories of the packages that were bundled. */
function packagesOf(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  return [...packages].sort();
}

function readPackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { name, version, license };
}

/** The licence texts of packages. */
function licences(packages) {
  const texts = packages.map((folder) => {
    const { name, version, license } = readPackage(folder);
    const text = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE']
      .map((file) => {
        try {
          return readFileSync(join(folder, file), 'utf8').trim();
        } catch {
          return undefined;
        }
      })
      .find((found) => found !== undefined);
    return `${name} ${version} (${license ?? 'see below'})\n\n${text ?? 'The package has no licence file; see the licence named above.'}\n`;
  });
  return `This program contains the following packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
