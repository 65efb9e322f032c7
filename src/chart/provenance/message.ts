/**
 * The text of a provenance file: a clear-signed message around the chart's metadata and the hash of its archive.
 *
 *     -----BEGIN PGP SIGNED MESSAGE-----
 *     Hash: SHA512
 *
 *     apiVersion: v2                      Chart.yaml, as Helm wrote it
 *     name: app
 *     version: 1.0.0
 *
 *     ...
 *     files:
 *       app-1.0.0.tgz: sha256:a498...
 *     -----BEGIN PGP SIGNATURE-----
 *     ...
 *     -----END PGP SIGNATURE-----
 *
 * https://helm.sh/docs/topics/provenance/
 */
import { ChartError } from '../../errors.js';
import { ContentError } from '../content-error.js';
import { decodeYaml, type StructShape } from '../go/json.js';
import { type ChartMetadata, parseChartYaml, validateMetadata } from '../metadata.js';

export interface SignedStatement {
  readonly metadata: ChartMetadata;
  /** File names, each with `sha256:` and the hash of the file. */
  readonly files: ReadonlyMap<string, string>;
}

const BEGIN_MESSAGE = '-----BEGIN PGP SIGNED MESSAGE-----';
const BEGIN_SIGNATURE = '-----BEGIN PGP SIGNATURE-----';
const END_SIGNATURE = '-----END PGP SIGNATURE-----';
/** Bytes; a Chart.yaml is far smaller. */
const SIZE_LIMIT = 1024 * 1024;

/**
 * Refuses everything but one whole clear-signed message: what lies outside of it is signed by nobody, though a reader may
 * take it for a part of the statement.
 *
 * @returns the text of the message
 * @throws ChartError `PROVENANCE_INVALID`
 */
export function clearSignedText(bytes: Uint8Array): string {
  if (bytes.length > SIZE_LIMIT) throw invalid(`it has ${bytes.length} bytes; at most ${SIZE_LIMIT} are read`);
  const text = decode(bytes);
  const lines = text.split('\n').map((line) => line.replace(/[ \t\r]+$/, ''));
  const begin = lines.findIndex((line) => line !== '');
  if (lines[begin] !== BEGIN_MESSAGE) {
    throw invalid(
      lines.includes(BEGIN_MESSAGE) ? 'there is text before the signed message' : 'signature block not found',
    );
  }
  const header = lines.indexOf('', begin);
  const unknown = lines.slice(begin + 1, header).find((line) => !/^Hash: [A-Za-z0-9, -]+$/.test(line));
  if (header < 0 || unknown !== undefined) throw invalid('its header holds something else than Hash');
  const signature = lines.indexOf(BEGIN_SIGNATURE, header);
  const end = lines.indexOf(END_SIGNATURE, header);
  if (signature < 0 || end < signature) throw invalid('its signature is not whole');
  // A line of the message that begins with a dash is written "- -", so each of these stands in it once.
  const inside = lines.slice(header, end);
  if (inside.some((line) => line.startsWith('-') && !line.startsWith('- ') && line !== BEGIN_SIGNATURE)) {
    throw invalid('a line within it begins with a dash that is not escaped');
  }
  if (inside.filter((line) => line === BEGIN_SIGNATURE).length > 1)
    throw invalid('it holds more than one signature block');
  if (lines.slice(end + 1).some((line) => line !== '')) throw invalid('there is text after the signed message');
  return text;
}

/**
 * Reads what was signed.
 *
 * @param text the message, out of the signature's cover
 * @throws ChartError `PROVENANCE_INVALID`
 */
export function parseStatement(text: string): SignedStatement {
  const [metadata, sums, ...more] = text.split('\n...\n');
  if (metadata === undefined || sums === undefined || more.length > 0) {
    throw invalid('the message is not metadata and sums with a line "..." between them');
  }
  try {
    const signed = decodeYaml(Buffer.from(sums), SUMS) as Sums | undefined;
    return { metadata: validateMetadata(parseChartYaml(Buffer.from(metadata))), files: signed?.files ?? new Map() };
  } catch (cause) {
    if (!(cause instanceof ChartError || cause instanceof ContentError)) throw cause;
    throw invalid(cause.message, cause);
  }
}

interface Sums {
  readonly files?: ReadonlyMap<string, string>;
}

const NAMES: StructShape['fields'][string] = {
  kind: 'map',
  type: 'map[string]string',
  item: { kind: 'string', type: 'string' },
};

const SUMS: StructShape = {
  kind: 'struct',
  type: 'provenance.SumCollection',
  fields: { files: NAMES, images: NAMES },
};

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid('it is not text in UTF-8', cause);
  }
}

function invalid(reason: string, cause?: unknown): ChartError {
  return new ChartError('PROVENANCE_INVALID', `the provenance file cannot be used: ${reason}`, {
    hint: 'Nothing is proved by it. Ask for the .prov file that "helm package --sign" made.',
    cause,
  });
}
