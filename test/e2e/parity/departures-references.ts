/**
 * The scenarios `ref-NN` save, list, export and remove a chart under one reference each. Here are those that come out
 * differently: references that Helm took by accident, ones that it did not know, and ones that it refused in other words.
 */
import type { Departure, Steps } from './departures.js';
import { exported, indexOf, NO_CHARTS, saved, tableOf } from './texts.js';

const ONE_COLON = 'ref may only contain a single colon character (:) unless specifying a port number';
const LOWER_CASE = 'a repository is written in lower case';
const HASH = 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const MARKED = invalid('host.io/c?x=1:v1', noRepository('c?x=1'));
const LONG_TAG = 't'.repeat(129);

/** Helm took these. Refused as it refuses others, or with a reason of our own. */
const ACCIDENTS: Readonly<Record<string, string>> = {
  'ref-01': invalid('C', LOWER_CASE),
  'ref-09': invalid('Host.IO/Team/C:V1', LOWER_CASE),
  'ref-14': ONE_COLON,
  'ref-15': ONE_COLON,
  'ref-18': invalid('host:notaport/c', '"host:notaport" is not HOST[:PORT]'),
  'ref-28': ONE_COLON,
  'ref-30': ONE_COLON,
  'ref-37': 'parsed repo was empty',
  'ref-40': invalid('host.io/c/:v1', noRepository('c/')),
  'ref-41': invalid('host.io/c/', noRepository('c/')),
  'ref-43': invalid('host.io//c:v1', noRepository('/c')),
  'ref-50': invalid('c:a/b', '"c:a" is not HOST[:PORT]'),
  'ref-54': invalid('c:-x', noTag('-x')),
  'ref-55': invalid('c:.x', noTag('.x')),
  'ref-57': invalid(`c:${LONG_TAG}`, noTag(LONG_TAG)),
  'ref-63': invalid('host.io/c:a b', noTag('a b')),
  'ref-65': invalid('c:v1 ', noTag('v1 ')),
  'ref-67': invalid('host.io/%41:v1', noRepository('%41')),
  'ref-70': invalid('user@host.io/c:v1', 'what follows @ is not a digest (sha256: and 64 hex digits)'),
  'ref-73': invalid('host.io/c#f:v1', noRepository('c#f')),
  'ref-74': invalid('host.io/ü:ñ', noRepository('ü')),
  'ref-76': invalid('./c:v1', noRepository('./c')),
  'ref-81': invalid('-c:v1', noRepository('-c')),
};

/** Helm refused these too, but for a reason that is not the real one. */
const OTHER_REASONS: Readonly<Record<string, string>> = {
  'ref-22': invalid('host:99999/c:v1', '"host:99999" has a port above 65535'),
  'ref-25': invalid('host.io:/c:v1', '"host.io:" is not HOST[:PORT]'),
  'ref-61': invalid('https://host.io/c:v1', 'only the scheme oci:// is known'),
  'ref-71': invalid('user:***@host.io/c:v1', 'a reference holds no user name and password'),
};

/** A hash after @ was Helm's tag. It names content, which cannot be known before it is saved. */
const DIGESTS: Readonly<Record<string, string>> = {
  'ref-44': `c@${HASH}`,
  'ref-45': `host.io/c@${HASH}`,
  'ref-47': `localhost:5001/c@${HASH}`,
};

/** These are references now: by id, and how the cache names them where it is not how they were typed. */
const NOW_TAKEN: Readonly<Record<string, readonly [id: string, ref: string]>> = {
  'ref-05': ['numeric-tags', 'host/c:1'],
  'ref-07': ['numeric-tags', 'host.io/c:1'],
  'ref-23': ['strict-references', 'host:05001/c:v1'],
  'ref-58': ['oci-scheme', 'host.io/c:v1'],
  'ref-60': ['oci-scheme', 'localhost:5001/c:v1'],
  'ref-68': ['ipv6-hosts', '[::1]:5001/c:v1'],
};

const NOTHING_FITS: Departure = {
  id: 'patterns',
  exit: 1,
  stdout: '',
  stderr: 'Error: no reference in the cache fits host.io/c?x=1:v1\n',
};

export const REFERENCES: Readonly<Record<string, Steps>> = {
  ...mapValues(ACCIDENTS, (message) => refused('strict-references', message, message, { taken: true })),
  ...mapValues(OTHER_REASONS, (message) => refused('strict-references', message, message, { taken: false })),
  ...mapValues(DIGESTS, (ref) => {
    const reason = `cannot save c as ${ref}: the digest is known only afterwards`;
    return refused('references-by-digest', reason, `Chart not found: ${ref}`, { taken: true });
  }),
  ...mapValues(NOW_TAKEN, ([id, ref]) => taken(id, ref)),
  'ref-72': {
    ...refused('strict-references', MARKED, MARKED, { taken: true }),
    2: NOTHING_FITS,
    3: NOTHING_FITS,
  },
  // The port of this run is the tag.
  'ref-16': {
    ...taken('numeric-tags', 'localhost:5001'),
    0: {
      id: 'numeric-tags',
      stdout:
        /^ref: {5}localhost:(\d+)\ndigest: {2}[0-9a-f]{64}\nsize: {4}\d+ B\nname: {4}c\nversion: 0\.1\.0\n\1: saved\n$/,
      after: { index_json: indexOf('localhost:5001') },
    },
    3: { id: 'numeric-tags', exit: 0, stdout: /^\d{4}: removed\n$/, stderr: '' },
  },
  // Without a tag the chart's version is its tag, as ever; what is exported and removed has to be named in full.
  'ref-59': {
    0: { id: 'oci-scheme', stdout: saved('host.io/c:0.1.0'), after: { index_json: indexOf('host.io/c:0.1.0') } },
    1: { id: 'oci-scheme', stdout: tableOf('host.io/c:0.1.0') },
    2: { id: 'oci-scheme', exit: 1, stdout: '', stderr: 'Error: Chart not found: oci://host.io/c\n' },
    3: { id: 'oci-scheme', exit: 1, stdout: '', stderr: 'Error: Chart not found: oci://host.io/c\n' },
  },
  'ref-69': {
    0: {
      id: 'ipv6-hosts',
      exit: 0,
      stdout: saved('[fe80::1]/c:0.1.0'),
      stderr: '',
      after: { index_json: indexOf('[fe80::1]/c:0.1.0', { hidden: true }) },
    },
    1: { id: 'ipv6-hosts', stdout: tableOf('[fe80::1]/c:0.1.0') },
  },
};

function refused(id: string, atSave: string, later: string, { taken: wasTaken }: { taken: boolean }): Steps {
  const failed = { id, exit: 1, stdout: '', stderr: `Error: ${later}\n` };
  return {
    0: { ...failed, stderr: `Error: ${atSave}\n`, after: { index_json: null } },
    ...(wasTaken && { 1: { id, stdout: NO_CHARTS } }),
    2: failed,
    3: failed,
  };
}

function taken(id: string, ref: string): Steps {
  const tag = ref.slice(ref.lastIndexOf(':') + 1);
  return {
    0: { id, exit: 0, stdout: saved(ref), stderr: '', after: { index_json: indexOf(ref, { hidden: !forHelm(ref) }) } },
    1: { id, stdout: tableOf(ref) },
    2: { id, exit: 0, stdout: exported(ref, 'o/c/'), stderr: '' },
    3: { id, exit: 0, stdout: `${tag}: removed\n`, stderr: '' },
  };
}

/** Names that Helm 3.6.3 cannot parse are kept out of its sight (`out-of-helms-sight`). */
function forHelm(ref: string): boolean {
  return !ref.startsWith('[') && !ref.includes(':05001');
}

function invalid(ref: string, reason: string): string {
  return `invalid reference "${ref}": ${reason}`;
}

function noRepository(path: string): string {
  return `"${path}" is not a repository (lower-case letters and digits, with "." "_" "-" between them)`;
}

function noTag(tag: string): string {
  return `"${tag}" is not a tag (letters, digits, "_", "." , "-" and "+", at most 128)`;
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
