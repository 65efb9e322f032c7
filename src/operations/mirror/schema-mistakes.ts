/** Words for what the schema of a mirror file finds. */
import type { ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import { MISTAKES_SOUGHT, type Mistake } from './mistakes.js';
import { type Path, type Places, pathOf } from './places.js';
import { validateMirrorFile } from './validator.js';

export function schemaMistakes(value: unknown, places: Places): Mistake[] {
  if (validateMirrorFile(value)) return [];
  const errors = validateMirrorFile.errors ?? [];
  const told = errors.filter(
    ({ keyword, schemaPath }) => keyword !== 'propertyNames' && !/\/oneOf\/\d/.test(schemaPath),
  );
  return told.slice(0, MISTAKES_SOUGHT).map((error) => {
    const path = pathOf(error.instancePath, value);
    const key =
      error.keyword === 'additionalProperties' ? (error.params.additionalProperty as string) : error.propertyName;
    const full = key === undefined ? path : [...path, key];
    return { ...places.find(full, key !== undefined), text: wordsFor(error, path) + cureFor(error, path, places) };
  });
}

function wordsFor(error: ErrorObject, path: Path): string {
  const { keyword, params, parentSchema = {}, data } = error;
  const name =
    path.length === 0 ? 'the file' : `"${path.filter((part) => typeof part === 'string').at(-1) ?? path.at(-1)}"`;
  switch (keyword) {
    case 'additionalProperties': {
      const key = params.additionalProperty as string;
      if (key === 'password' || key === 'token')
        return `"${key}" may not stand in the file: name an environment variable with "passwordEnv"`;
      return `unknown key "${key}"${suggestion(key, Object.keys((parentSchema as { properties?: object }).properties ?? {}))}`;
    }
    case 'required':
      return path.length === 0
        ? `"${params.missingProperty}" is missing`
        : `${typeof path.at(-1) === 'number' ? 'the entry' : name} has no "${params.missingProperty}"`;
    case 'const':
      return `${name} must be ${JSON.stringify(params.allowedValue)}`;
    case 'enum':
      return `${name} must be one of ${(params.allowedValues as string[]).join(', ')}`;
    case 'type':
      return `${typeof path.at(-1) === 'number' ? 'an entry' : name} must be ${TYPES[params.type as string] ?? params.type}`;
    case 'minLength':
    case 'minItems':
      return `${name} must not be empty`;
    case 'oneOf':
      if (data === '' || (Array.isArray(data) && data.length === 0)) return `${name} must not be empty`;
      return `${name} must be a text or a list of texts`;
    case 'pattern':
      return error.propertyName === undefined
        ? `${name} is no name of an environment variable`
        : `"${error.propertyName}" is not HOST[:PORT]`;
    case 'minimum':
      return `${name} must be ${params.limit} at least`;
    default:
      return `${name} ${error.message ?? 'is not valid'}`;
  }
}

/** What to write in place of a text that is none. */
function cureFor({ keyword, params, data }: ErrorObject, path: Path, places: Places): string {
  if (keyword !== 'type' || params.type !== 'string') return '';
  const key = path.at(-1);
  if (Array.isArray(data)) return key === 'name' ? '; several stand under "include"' : '';
  const written = typeof data === 'number' || typeof data === 'boolean' ? places.written(path) : undefined;
  return written === undefined ? '' : `: write ${key}: ${JSON.stringify(written)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
};

function suggestion(key: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const near = closest(key, [...known]);
  return distance(key.toLowerCase(), near.toLowerCase()) <= Math.max(1, Math.floor(near.length / 3))
    ? `; did you mean "${near}"?`
    : `; known are ${known.join(', ')}`;
}
