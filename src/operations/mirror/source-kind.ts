/** What an entry's `source` is, told by how it is written. */
import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChartError } from '../../errors.js';
import { parseReference, withoutPassword } from '../../oci/reference.js';
import { isWebAddress, parseWebAddress } from '../../repository/address.js';
import { isPattern } from '../pattern.js';
import { isBundleFile } from './placement.js';

export type SourceKind = 'repository' | 'catalog' | 'web' | 'file' | 'layout' | 'cache' | 'bundle';

/** Tells sources apart by how they are written, and the two that are directories by what lies there. @throws ChartError `USAGE` */
export function sourceKind(text: string): SourceKind {
  if (isWebAddress(text)) return 'web';
  if (text === 'cache' || text.startsWith('cache:')) return 'cache';
  if (text.startsWith('bundle:') || (isBundleFile(text) && !text.startsWith('oci://'))) return 'bundle';
  if (text.startsWith('oci://')) return isPattern(text) ? 'catalog' : 'repository';
  const path = /^file:/i.test(text) ? fileURLToPath(text) : resolve(text);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() && existsSync(join(path, 'oci-layout'))) return 'layout';
  if (/^file:/i.test(text) || /^\.{0,2}[/\\]|^[A-Za-z]:[/\\]|^\.{1,2}$/.test(text) || existsSync(path)) return 'file';
  const hint = isReference(text)
    ? `Of a registry it is written oci://${text}; of a chart repository, https://${text}.`
    : 'A source is oci://HOST/PATH, oci://HOST/PATH/*, https://HOST/PATH, a directory with an index.yaml, "cache", or a bundle.';
  throw new ChartError('USAGE', `${JSON.stringify(shownSource(text))} is no source of charts`, { hint });
}

/** As pull and push take it, with a host that looks like one. */
function isReference(text: string): boolean {
  try {
    return parseReference(text.replaceAll('*', 'x')).host !== undefined;
  } catch (error) {
    if (error instanceof ChartError) return false;
    throw error;
  }
}

/** The source as it may be shown: without a password, and without what follows `?` in a URL. */
export function shownSource(text: string): string {
  if (isWebAddress(text) && URL.canParse(text)) return parseWebAddress(text).shown;
  return withoutPassword(text);
}

/** Whether a source can be nothing but a path: what lies there is seen when it is read. */
export function isPath(source: string, directory: string): boolean {
  if (/^[a-z]{2,}:/i.test(source)) return false;
  return !/^[^/\\]+[.:][^/\\]*\/./.test(source) || existsSync(sourceWithin(directory, source));
}

/** A source whose path, if it is one, is relative to a directory. */
export function sourceWithin(directory: string, source: string): string {
  const [, kind = '', path = ''] = /^(bundle:)?(.*)$/s.exec(source) ?? [];
  if (isAbsolute(path) || (kind === '' && (path === 'cache' || /^[a-z][a-z0-9+.-]+:/i.test(path)))) return source;
  return kind + join(directory, path);
}
