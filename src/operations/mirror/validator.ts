/**
 * What holds a mirror file against its schema. The build puts in its place the code that ajv makes of this (scripts/build.mjs), so
 * that the program need not load ajv, nor have it compile.
 */
import { Ajv } from 'ajv';
import { MIRROR_SCHEMA } from './schema.js';

// That the schema itself is sound is held by a test.
const OPTIONS = { allErrors: true, strict: false, verbose: true, meta: false, validateSchema: false } as const;

export const validateMirrorFile = new Ajv({ ...OPTIONS, code: { source: true, esm: true } }).compile(MIRROR_SCHEMA);
