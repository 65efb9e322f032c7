/** Push, pull, login and logout. */
import type { Departure, Steps } from './departures.js';
import { exported, indexOf, indexOfAll, NO_CHARTS, pulled, pulling, pushed, tableOf } from './texts.js';

const ONE_COLON = 'Error: ref may only contain a single colon character (:) unless specifying a port number\n';
const LOWER_CASE = 'a repository is written in lower case';
const FOREIGN = 'localhost:5001/golden/set3/odd';
const UPPER = 'localhost:5001/UPPER/c:1';
const OLD_FILE = 'home/.config/helm/registry.json';
const NEW_FILE = 'home/.config/helm/registry/config.json';
const LOGGED_IN = '{\n\t"auths": {\n\t\t"localhost:5002": {\n\t\t\t"auth": "dXNlcjpwYXNz"\n\t\t}\n\t}\n}';

export const REGISTRIES: Readonly<Record<string, Steps>> = {
  'pull-changed-tag': {
    4: { id: 'up-to-date', stdout: pulled('localhost:5001/golden/set3/d:1', 'new') },
  },
  'push-build-metadata': {
    1: {
      id: 'build-metadata',
      exit: 0,
      stdout: pushed('localhost:5001/golden/set3/b:1.2.3+build.5', 'buildmeta', '1.2.3+build.5'),
      stderr: '',
    },
    2: {
      id: 'build-metadata',
      exit: 0,
      stdout: pulled('localhost:5001/golden/set3/b:1.2.3+build.5', 'current', 'buildmeta', '1.2.3+build.5'),
      stderr: '',
    },
  },
  'pull-no-tag': {
    5: {
      id: 'references-by-digest',
      stdout: `sha256:${'0'.repeat(64)}: Pulling from localhost:5001/x\n`,
    },
  },
  'pull-hosts-without-registry': {
    0: { id: 'strict-references', stdout: '', stderr: 'Error: c:v1 names no registry\n' },
    1: {
      id: 'pull-reads-at-once',
      stderr:
        'Error: failed to do request: Get "https://team/v2/c/manifests/v1": dial tcp: lookup team: no such host\n',
    },
    2: {
      id: 'pull-reads-at-once',
      stderr:
        'Error: failed to do request: Get "https://nosuchhost.invalid/v2/c/manifests/v1": dial tcp: lookup nosuchhost.invalid: no such host\n',
    },
    3: {
      id: 'numeric-tags',
      stdout: pulling('team/c:1'),
      stderr: 'Error: failed to do request: Get "https://team/v2/c/manifests/1": dial tcp: lookup team: no such host\n',
    },
  },
  unreachable: {
    6: {
      id: 'pull-reads-at-once',
      stderr:
        /^Error: failed to do request: Get "https:\/\/127\.0\.0\.2:\d+\/v2\/t\/c\/manifests\/1": dial tcp 127\.0\.0\.2:\d+: connect: connection refused\n/,
    },
  },
  'push-invalid-repository': {
    0: refusedReference(`invalid reference "${UPPER}": ${LOWER_CASE}`),
    1: refusedReference(`invalid reference "${UPPER}": ${LOWER_CASE}`),
    2: refusedReference(`invalid reference "${UPPER}": ${LOWER_CASE}`),
    3: { id: 'strict-references', exit: 1, stdout: '', stderr: ONE_COLON },
    4: { id: 'strict-references', exit: 1, stdout: '', stderr: ONE_COLON },
    5: refusedReference(noRepository('localhost:5001/a//b:1', 'a//b')),
    6: refusedReference(noRepository('localhost:5001/a//b:1', 'a//b')),
  },
  'pull-foreign-modern': foreignChart(`${FOREIGN}:modern`, 3),
  'pull-foreign-modernprov': foreignChart(`${FOREIGN}:modernprov`, 4),
  'pull-foreign-mixed': foreignChart(`${FOREIGN}:mixed`, 4),
  'pull-foreign-docker': foreignChart(`${FOREIGN}:docker`, 3, 'application/vnd.docker.distribution.manifest.v2+json'),
  'pull-foreign-twolayers': notAChart(`${FOREIGN}:twolayers`, 0),
  'pull-foreign-image': notAChart(`${FOREIGN}:image`, 0),
  'pull-foreign-nolayers': notAChart(`${FOREIGN}:nolayers`, 0),
  'pull-foreign-badtgz': notAChart(`${FOREIGN}:badtgz`, 1),
  'pull-foreign-badchart': notAChart(`${FOREIGN}:badchart`, 1),
  'pull-foreign-imagecfg': {
    0: {
      id: 'out-of-helms-sight',
      after: ({ sh }) => ({
        index_json: indexOf(`${FOREIGN}:imagecfg`, { hidden: true }),
        sh: { cmd: sh?.cmd ?? '', out: '3\n' },
      }),
    },
  },
  'pull-foreign-badcfg': {
    0: { id: 'metadata-from-the-config', stdout: pulled(`${FOREIGN}:badcfg`, 'new', 'other', '9.9.9') },
    1: { id: 'metadata-from-the-config', stdout: tableOf([`${FOREIGN}:badcfg`, 'other', '9.9.9']) },
    2: { id: 'metadata-from-the-config', stdout: exported(`${FOREIGN}:badcfg`, 'far/', 'other', '9.9.9') },
  },
  'docker-config-not-read': {
    1: { id: 'credential-files', exit: 0, stdout: pushed('localhost:5002/g/dc:1'), stderr: '' },
  },
  'login-ok-and-use': { 3: otherFile(), 7: otherFile() },
  'login-password-stdin': { 0: otherFile() },
  'login-prompts-terminal': { 0: otherFile() },
  'login-config-paths': {
    2: find('d 700 xdg\nd 700 xdg/helm\nd 700 xdg/helm/registry\nf 600 xdg/helm/registry/config.json\n'),
    3: find('d 700 hch\nd 700 hch/registry\nf 600 hch/registry/config.json\n'),
    4: {
      id: 'credential-files',
      after: {
        tree: besides('f 0640 home/.config/helm/registry.json 140'),
        files: {
          [NEW_FILE]: LOGGED_IN,
          [OLD_FILE]:
            '{"auths":{"other.example.com":{"auth":"YTpi"},"tok.example.com":{"auth":"dTo=","identitytoken":"t0k"}},' +
            '"HttpHeaders":{"X":"y"},"unknown":1}\n',
        },
      },
    },
    5: {
      id: 'credential-files',
      after: {
        tree: besides('f 0640 home/.config/helm/registry.json 138'),
        files: {
          [NEW_FILE]: LOGGED_IN,
          [OLD_FILE]:
            '{\n\t"auths": {\n\t\t"tok.example.com": {\n\t\t\t"auth": "dTo=",\n\t\t\t"identitytoken": "t0k"\n\t\t}\n\t},\n' +
            '\t"HttpHeaders": {\n\t\t"X": "y"\n\t},\n\t"unknown": 1\n}',
        },
      },
    },
    6: {
      id: 'credential-files',
      after: ({ sh }) => ({
        sh: {
          cmd: sh?.cmd ?? '',
          out: /^total \d+\ndrwx------.*registry\nlrwxrwxrwx.*registry\.json -> <TMP>\/here\/real\.json\n640 real\.json\n$/,
        },
      }),
    },
  },
  'login-broken-config': {
    0: { id: 'credentials-when-needed', exit: 0, stdout: NO_CHARTS, stderr: '' },
    2: {
      id: 'credentials-when-needed',
      stderr: 'Error: <TMP>/home/.config/helm/registry.json cannot be used: it is not JSON from line 2, column 1 on\n',
    },
    3: { id: 'credentials-when-needed', exit: 0, stdout: NO_CHARTS, stderr: '' },
  },
  'login-host-shape-then-push': Object.fromEntries(
    [3, 4, 8, 9, 13, 14, 18, 19, 23, 24, 28, 29].map((step) => [step, otherFile()]),
  ),
  'debug-flag': {
    3: {
      id: 'debug-on-standard-error',
      stderr:
        /^debug: GET http:\/\/localhost:\d+\/v2\/c\/manifests\/1 .*\nError: failed to do request: Get "http:.*refused\n/,
    },
  },
};

function noRepository(ref: string, path: string): string {
  return `invalid reference "${ref}": "${path}" is not a repository (lower-case letters and digits, with "." "_" "-" between them)`;
}

function refusedReference(message: string): Departure {
  return { id: 'strict-references', exit: 1, stdout: '', stderr: `Error: ${message}\n` };
}

/** A chart as Helm since 3.7, or another tool, pushes it: pulled, listed, exported and removed. */
function foreignChart(ref: string, blobs: number, mediaType?: string): Steps {
  const done = { id: 'every-kind-of-chart', exit: 0, stderr: '' };
  return {
    0: {
      ...done,
      stdout: pulled(ref, 'new', 'far'),
      after: ({ sh }) => ({
        index_json: indexOf(ref, { hidden: true, ...(mediaType && { mediaType }) }),
        sh: { cmd: sh?.cmd ?? '', out: `${blobs}\n` },
      }),
    },
    1: { ...done, stdout: tableOf([ref, 'far', '0.1.0']) },
    2: { ...done, stdout: exported(ref, 'far/', 'far') },
    3: { ...done, stdout: `${ref.split(':').at(-1)}: removed\n`, after: { index_json: indexOfAll([]) } },
  };
}

/** What cannot be read as a chart gets no entry, and so spoils no list. Blobs that came are left to `chart prune`. */
function notAChart(ref: string, blobs: number): Steps {
  const id = 'failed-pull';
  const stderr = `Error: Chart not found: ${ref}\n`;
  return {
    0: { id, after: ({ sh }) => ({ index_json: null, sh: { cmd: sh?.cmd ?? '', out: `${blobs}\n` } }) },
    1: { id, exit: 0, stdout: NO_CHARTS, stderr: '' },
    2: { id, stderr },
    3: { id, stderr, after: { index_json: null } },
  };
}

/** registry/config.json in place of registry.json, with the same content. */
function otherFile(): Departure {
  return {
    id: 'credential-files',
    after: ({ tree, files = {} }) => ({
      ...(tree && { tree: tree.flatMap(otherLines) }),
      files: { [OLD_FILE]: null, [NEW_FILE]: files[OLD_FILE] ?? null },
    }),
  };
}

export function otherLines(line: string): string[] {
  if (!line.includes(OLD_FILE)) return [line];
  return ['d 0700 home/.config/helm/registry/', line.replace(OLD_FILE, NEW_FILE)];
}

/** With a registry.json that was there before. */
function besides(registryJson: string): string[] {
  return [
    'd 0755 home/.config/',
    'd 0755 home/.config/helm/',
    'd 0700 home/.config/helm/registry/',
    'f 0600 home/.config/helm/registry/config.json 70',
    registryJson,
  ];
}

function find(out: string): Departure {
  return { id: 'credential-files', after: ({ sh }) => ({ sh: { cmd: sh?.cmd ?? '', out } }) };
}
