import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAccess } from '../../src/server/access-log.js';
import type { AccessRecord } from '../../src/server/access-record.js';

const RECORD: AccessRecord = {
  time: Date.UTC(2026, 10, 6, 1, 2, 3, 45),
  durationMs: 1.23456,
  method: 'GET',
  url: '/v2/team/app/tags/list?n=2&last=1.0',
  status: 200,
  bytes: 436,
  kind: 'tags',
  httpVersion: '1.1',
  remoteAddress: '10.0.0.7',
  userAgent: 'Helm/4.0.0',
  referrer: undefined,
};

describe('the access log', () => {
  it("has Apache's combined form", () => {
    assert.equal(
      formatAccess(RECORD, 'combined'),
      '10.0.0.7 - - [06/Nov/2026:01:02:03 +0000] "GET /v2/team/app/tags/list?n=2&last=1.0 HTTP/1.1" 200 436 "-" "Helm/4.0.0"\n',
    );
    const left = { ...RECORD, bytes: 0, status: 499, userAgent: undefined, remoteAddress: undefined };
    assert.match(formatAccess(left, 'combined'), /^- - - \[.*" 499 - "-" "-"\n$/);
  });

  it('has a JSON form', () => {
    assert.deepEqual(JSON.parse(formatAccess(RECORD, 'json')), {
      time: '2026-11-06T01:02:03.045Z',
      remote: '10.0.0.7',
      method: 'GET',
      url: RECORD.url,
      protocol: 'HTTP/1.1',
      kind: 'tags',
      status: 200,
      bytes: 436,
      durationMs: 1.235,
      userAgent: 'Helm/4.0.0',
    });
  });

  it('is one line of plain ASCII, whatever a client sends, and gives no quote away', () => {
    const nasty = 'a"b\\c\u001b[31m\u0000\n\u009b\u007f\u2028ü';
    const record = { ...RECORD, url: `/${nasty}`, userAgent: nasty, referrer: nasty };
    for (const form of ['combined', 'json'] as const) {
      const line = formatAccess(record, form);
      assert.match(line, /^[\x20-\x7e]+\n$/);
      assert.equal(line.split('\n').length, 2);
    }
    assert.match(formatAccess(record, 'combined'), / "a\\"b\\\\c\\x1b\[31m\\x00\\x0a\\xc2\\x9b\\x7f[^"]*" "a\\"b/);
    assert.equal(JSON.parse(formatAccess(record, 'json')).userAgent, nasty);
  });

  it('GHSA-5jhf-2qmf-m8c5: has no password and no token', () => {
    const record = {
      ...RECORD,
      url: 'http://ann:hunter2@registry.lan/v2/a/blobs/x?digest=sha256:ab&access_token=hunter2&sig=hunter2',
      referrer: 'https://ann:hunter2@portal.lan/?session=hunter2#hunter2',
    };
    for (const form of ['combined', 'json'] as const) {
      const line = formatAccess(record, form);
      assert.doesNotMatch(line, /hunter2|ann/);
      assert.match(line, /digest=sha256:ab/);
    }
  });
});
