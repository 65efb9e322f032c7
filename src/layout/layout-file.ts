/**
 * oci-layout: says that a directory is an image layout, and of which version.
 *
 *     {"imageLayoutVersion":"1.0.0"}
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md#oci-layout-file
 */
import { ChartError, systemErrorCode } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { readFault } from './faults.js';
import { readTextFile } from './open-file.js';
import { layoutFilePath } from './paths.js';

const VERSION = '1.0.0';
/** Of oci-layout, as it is written. */
export const CONTENT = JSON.stringify({ imageLayoutVersion: VERSION });

/**
 * Checks that the directory is a layout that this program knows.
 *
 * @returns false where there is no oci-layout, as in a directory that nothing was written to
 * @throws ChartError `LAYOUT_INVALID`, for another version with the word that Helm 3.6.3 has for it
 */
export function checkLayoutFile(dir: string): boolean {
  const path = layoutFilePath(dir);
  let text: string;
  try {
    text = readTextFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw readFault(error, path);
  }
  const version = parseVersion(text);
  if (version === VERSION) return true;
  if (typeof version === 'string') {
    throw new ChartError(
      'LAYOUT_INVALID',
      `unsupported_version: ${path} says ${JSON.stringify(version.slice(0, 40))}`,
      {
        hint: `This program knows version ${VERSION}. Use another cache directory (--cache-dir).`,
      },
    );
  }
  throw new ChartError('LAYOUT_INVALID', `${path} cannot be used: it does not hold ${CONTENT}`, {
    hint: 'If this directory is a chart cache, delete that file: the next command that writes makes it anew.',
  });
}

/** True for a directory that says it is of a version which is not known here: that is no damage. */
export function hasOtherVersion(dir: string): boolean {
  try {
    const version = parseVersion(readTextFile(layoutFilePath(dir), 'utf8'));
    return typeof version === 'string' && version !== VERSION;
  } catch {
    return false;
  }
}

function parseVersion(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    return isRecord(json) ? json.imageLayoutVersion : undefined;
  } catch {
    return undefined;
  }
}
