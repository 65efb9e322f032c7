/** Damaged caches. */
import type { Departure, Steps } from './departures.js';
import { NO_CHARTS, pushed, pushing, saved, summaryOf, tableOf } from './texts.js';

const DIGEST = '[0-9a-f]{64}';
const EMPTY_SHA = 'sha256:<digest>';

export const DAMAGE: Readonly<Record<string, Steps>> = {
  'broken-manifest-missing': { 0: leftOut(/blob sha256:\S+ expected at \S+: not found/) },
  'broken-manifest-truncated': { 0: leftOut(/blob sha256:\S+ has 100 bytes instead of 320/) },
  'broken-manifest-garbage': { 0: leftOut(/blob sha256:\S+ has other content \(sha256:\S+\)/) },
  'broken-layer-missing': { 0: leftOut(/blob sha256:\S+ expected at \S+: not found/) },
  'broken-layer-cut-in-gzip-data': {
    0: { ...leftOut(/blob sha256:\S+ has other content \(sha256:\S+\)/), id: 'damage-is-noticed' },
    1: damaged(`blob ${EMPTY_SHA} has other content (${EMPTY_SHA})`),
    2: damaged(`blob ${EMPTY_SHA} has other content (${EMPTY_SHA})`),
  },
  'broken-layer-cut-deep-in-gzip-data': { 0: leftOut(/blob sha256:\S+ has other content \(sha256:\S+\)/) },
  // A list does not unpack: name and version are in the config.
  'broken-layer-garbage-same-size': {
    0: { id: 'metadata-from-the-config', exit: 0, stdout: tableOf('r.example.com/c:v1'), stderr: '' },
    1: {
      id: 'damage-is-noticed',
      stdout: summaryOf('r.example.com/c:v1'),
      stderr: /^Error: content sha256:\S+ is damaged in the cache/,
    },
    2: {
      id: 'metadata-from-the-config',
      stdout: pushing('r.example.com/c:v1'),
      stderr: new RegExp(
        `^Error: failed to do request: Head "https://r.example.com/v2/c/blobs/sha256:${DIGEST}": dial tcp:`,
      ),
    },
  },
  'broken-layer-longer': {
    0: { ...leftOut(/content sha256:\S+ has \d+ bytes instead of \d+/), id: 'damage-is-noticed' },
    1: damaged(/^Error: content sha256:\S+ has \d+ bytes instead of \d+\n/),
    2: damaged(/^Error: content sha256:\S+ has \d+ bytes instead of \d+\n/),
  },
  'broken-index-size-too-big': { 0: leftOut(/blob sha256:\S+ has 320 bytes instead of 9999/) },
  'broken-index-bad-ref-name': {
    0: { id: 'one-bad-entry', exit: 0, stdout: tableOf('a:b:c:d'), stderr: '' },
    4: { id: 'one-bad-entry', exit: 0, stdout: tableOf('a:b:c:d', 'r.example.com/c:v1'), stderr: '' },
  },
  'broken-index-bad-digest': { 0: leftOut(/"sha256:xyz" is not a digest .*/) },
  'broken-index-digest-upper': { 0: leftOut(/"SHA256:\S+" is not a digest .*/) },
  'broken-blobs-missing': { 0: leftOut(/blob sha256:\S+ expected at \S+: not found/) },
  'broken-build-is-a-file': {
    3: { id: 'no-build-directory', exit: 0, stdout: saved('r.example.com/c:v1'), stderr: '' },
  },
  'broken-two-layers': {
    0: leftOut(/manifest does not contain exactly 1 layer \(total: 2\)/),
    3: { id: 'one-bad-entry', exit: 0, stdout: 'v1: removed\n', stderr: '' },
  },
  'push-broken-config-garbage': {
    3: {
      id: 'damage-is-noticed',
      exit: 0,
      stdout: pushed('localhost:5001/golden/set3/bp:1', 'c-config-garbage'),
      stderr: '',
    },
  },
  'push-broken-layer-longer': {
    0: {
      ...leftOut(/content sha256:\S+ has \d+ bytes instead of \d+/, 'localhost:5001/golden/set3/bp:1'),
      id: 'damage-is-noticed',
    },
    1: damaged(/^Error: content sha256:\S+ has \d+ bytes instead of \d+\n/),
  },
  'push-broken-manifest-reordered': {
    0: {
      ...leftOut(/blob sha256:\S+ has other content \(sha256:\S+\)/, 'localhost:5001/golden/set3/bp:1'),
      id: 'damage-is-noticed',
    },
    1: damaged(`blob ${EMPTY_SHA} has other content (${EMPTY_SHA})`),
  },
};

/** A list that goes on without one entry. */
function leftOut(reason: RegExp, ref = 'r.example.com/c:v1'): Departure {
  const line = `Warning: left out ${ref.replace(/:\d+(?=\/)/, ':\\d+').replaceAll('.', '\\.')}: ${reason.source}`;
  return { id: 'one-bad-entry', exit: 0, stdout: NO_CHARTS, stderr: new RegExp(`^${line}\n$`) };
}

function damaged(message: string | RegExp): Departure {
  const stderr = typeof message === 'string' ? `Error: ${message}\n` : message;
  return { id: 'damage-is-noticed', exit: 1, stdout: '', stderr };
}
