import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { checkRealm } from '../../src/registry/realm.js';

function accepted(registry: string, realm: string): boolean {
  try {
    return checkRealm(realm, new URL(registry)).href === new URL(realm).href;
  } catch (error) {
    assert.ok(isChartError(error, 'REGISTRY_PROTOCOL'));
    return false;
  }
}

const PUBLIC = 'https://registry.example.com';

test('GHSA-xf85-363p-868w: a realm on a private or link-local address is refused under a public registry', () => {
  for (const host of [
    '10.0.0.1',
    '172.16.5.4',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '127.0.0.1',
    '127.1',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::]',
    '[fe80::1]',
    '[fd00::1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a00:1]',
    'localhost',
    'LOCALHOST.',
    'x.localhost',
  ]) {
    assert.equal(accepted(PUBLIC, `https://${host}/token`), false, host);
  }
});

test('GHSA-xf85-363p-868w: an http realm is refused under an https registry, also on its own host', () => {
  assert.equal(accepted(PUBLIC, 'http://auth.example.com/token'), false);
  assert.equal(accepted(PUBLIC, 'http://registry.example.com/token'), false);
  assert.equal(accepted('https://localhost:5000', 'http://localhost:5001/token'), false);
});

test('accepts the own host and public ones', () => {
  assert.ok(accepted(PUBLIC, 'https://registry.example.com/token'));
  assert.ok(accepted(PUBLIC, 'https://registry.example.com:8443/token?x=1'));
  assert.ok(accepted(PUBLIC, 'https://auth.example.org/token'));
  assert.ok(accepted(PUBLIC, 'https://93.184.216.34/token'));
  assert.ok(accepted(PUBLIC, 'https://172.32.0.1/token'));
  assert.ok(accepted('https://10.1.2.3', 'https://10.1.2.3/token'));
  assert.ok(accepted('https://[fd00::5]:5000', 'https://[fd00::5]/token'));
});

test('accepts a realm that reaches as far as the registry itself', () => {
  assert.ok(accepted('http://localhost:5000', 'http://127.0.0.1:5001/token'));
  assert.ok(accepted('http://127.0.0.1:5000', 'http://192.168.1.5/token'));
  assert.ok(accepted('https://10.0.0.5', 'https://192.168.7.7/token'));
  assert.equal(accepted('https://10.0.0.5', 'https://127.0.0.1/token'), false);
  assert.equal(accepted('http://localhost:5000', 'http://169.254.169.254/latest'), false);
});

test('refuses what is no web address or holds a user name', () => {
  for (const realm of [
    '',
    'test',
    '/token',
    'file:///etc/passwd',
    'ftp://a/b',
    'https://user:secret@auth.example.org/',
  ]) {
    assert.equal(accepted(PUBLIC, realm), false, realm);
  }
  assert.throws(
    () => checkRealm('https://user:hunter2@auth.example.org/', new URL(PUBLIC)),
    (error: Error) => !error.message.includes('hunter2'),
  );
});
