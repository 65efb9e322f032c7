/** References, and how index.json names charts. */
import type { Departure, Steps } from './departures.js';
import { exported, indexOf, indexOfAll, NO_CHARTS, saved, tableOf } from './texts.js';

const ONE_COLON = 'Error: ref may only contain a single colon character (:) unless specifying a port number\n';

export const NAMES: Readonly<Record<string, Steps>> = {
  'numeric-tag': {
    0: {
      id: 'numeric-tags',
      stdout: saved('r.example.com/t/c:1'),
      after: { index_json: indexOf('r.example.com/t/c:1') },
    },
    1: { id: 'numeric-tags', exit: 0, stdout: exported('r.example.com/t/c:1', 'c/'), stderr: '' },
    2: { id: 'numeric-tags', stdout: tableOf('r.example.com/t/c:1') },
    3: { id: 'strict-references', exit: 1, stdout: '', stderr: ONE_COLON },
    4: { id: 'numeric-tags', exit: 0, stdout: '1: removed\n', stderr: '' },
    5: { id: 'strict-references', exit: 1, stdout: '', stderr: ONE_COLON, after: { index_json: indexOfAll([]) } },
    6: { id: 'numeric-tags', after: { index_json: indexOf('localhost:5001/t/c:7') } },
    8: { id: 'numeric-tags', exit: 0, stdout: saved('r.example.com/t/c:65536'), stderr: '' },
    9: { id: 'numeric-tags', exit: 0, stdout: saved('r.example.com/t/c:20210304'), stderr: '' },
    10: noTag('r.example.com/t/c:+5', '+5'),
    11: noTag('r.example.com/t/c:-5', '-5'),
    12: { id: 'numeric-tags', exit: 0, stdout: saved('r.example.com/t/c:007'), stderr: '' },
    14: {
      id: 'numeric-tags',
      stdout: tableOf(
        'localhost:5001/t/c:7',
        'r.example.com/t/c:007',
        'r.example.com/t/c:1.0',
        'r.example.com/t/c:20210304',
        'r.example.com/t/c:65536',
      ),
    },
  },
  'list-sort': {
    13: {
      id: 'strict-references',
      exit: 1,
      stdout: '',
      stderr:
        'Error: invalid reference "é.io/x:v1": "é.io/x" is not a repository ' +
        '(lower-case letters and digits, with "." "_" "-" between them)\n',
    },
    14: {
      id: 'strict-references',
      stdout: tableOf(
        'A.io/x:v1',
        'a.io/x-y:v1',
        'a.io/x/y:v1',
        'a.io/x:0.1.0',
        'a.io/x:1.10.0',
        'a.io/x:1.9.0',
        'a.io/x:v1',
        'a.io/x:v10',
        'a.io/x:v9',
        'b.io/x:v2',
        'localhost/x:v1',
        'localhost:5001/x:1',
        'z:0.1.0',
      ),
      after: {
        index_json: indexOfAll([
          'b.io/x:v2',
          'a.io/x:v10',
          'a.io/x:v9',
          'A.io/x:v1',
          'localhost:5001/x:1',
          'localhost/x:v1',
          'a.io/x-y:v1',
          'a.io/x/y:v1',
          'a.io/x:v1',
          'a.io/x:0.1.0',
          'z:0.1.0',
          'a.io/x:1.10.0',
          'a.io/x:1.9.0',
        ]),
      },
    },
  },
  'retag-and-overwrite': {
    4: {
      id: 'index-is-left-in-order',
      after: { index_json: indexOfAll(['r.example.com/t/c:v2', 'r.example.com/t/c:v3']) },
    },
  },
  'index-duplicate-names': {
    1: { id: 'one-entry-a-name', after: { index_json: indexOf('r.example.com/c:v1') } },
    3: { id: 'one-entry-a-name', after: { index_json: indexOfAll([]) } },
    4: { id: 'one-entry-a-name', stdout: NO_CHARTS },
    5: { id: 'one-entry-a-name', exit: 1, stdout: '', stderr: 'Error: Chart not found: r.example.com/c:v1\n' },
  },
  'broken-index-extra-fields': {
    3: {
      id: 'index-is-left-in-order',
      after: {
        index_json: indexOf('r.example.com/c:v1')
          .replace(
            '{"schemaVersion":2',
            '{"mediaType":"application/vnd.oci.image.index.v1+json","annotations":{"top":"1"},"bogus":true,"schemaVersion":3',
          )
          .replace(
            '"annotations":{"org',
            '"platform":{"os":"linux","architecture":"x"},"urls":["u"],"zzz":1,"annotations":{"b":"2","org',
          ),
      },
    },
    5: {
      id: 'index-is-left-in-order',
      after: {
        index_json:
          '{"mediaType":"application/vnd.oci.image.index.v1+json","annotations":{"top":"1"},"bogus":true,"schemaVersion":3,"manifests":[]}',
      },
    },
  },
  'save-first-touch': {
    0: {
      id: 'reading-writes-nothing',
      after: { tree: [], files: { 'home/.cache/helm/registry/cache/oci-layout': null } },
    },
  },
  'remove-fresh-home': { 0: { id: 'reading-writes-nothing', after: { tree: [] } } },
};

function noTag(ref: string, tag: string): Departure {
  const reason = `"${tag}" is not a tag (letters, digits, "_", "." , "-" and "+", at most 128)`;
  return { id: 'strict-references', stderr: `Error: invalid reference "${ref}": ${reason}\n` };
}
