import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { bareHost, credentialKeys, endpointOf, storageKey } from '../../src/registry/endpoint.js';

test('speaks http with localhost, 127.0.0.1 and [::1] exactly, and TLS with all others', () => {
  const origins = (hosts: string[]): string[] => hosts.map((host) => endpointOf(host).origin);
  assert.deepEqual(origins(['localhost', 'localhost:5000', '127.0.0.1:5000', '[::1]:5000', '[::1]']), [
    'http://localhost',
    'http://localhost:5000',
    'http://127.0.0.1:5000',
    'http://[::1]:5000',
    'http://[::1]',
  ]);
  assert.deepEqual(
    origins(['LOCALHOST:5000', '127.0.0.2', 'localhost.example.com', 'r.example.com:443', '[fd00::1]:5000']),
    [
      'https://localhost:5000',
      'https://127.0.0.2',
      'https://localhost.example.com',
      'https://r.example.com',
      'https://[fd00::1]:5000',
    ],
  );
});

test('speaks http where that is asked for, and TLS with loopback where anything of TLS is', () => {
  assert.equal(endpointOf('r.example.com', { plainHttp: true }).origin, 'http://r.example.com');
  for (const option of [{ plainHttp: false }, { caFile: 'x' }, { insecureSkipTlsVerify: true }, { certFile: 'x' }]) {
    assert.equal(endpointOf('localhost:1', option).origin, 'https://localhost:1');
  }
  assert.equal(endpointOf('localhost:1', { insecureSkipTlsVerify: false }).origin, 'http://localhost:1');
});

test('knows the names of Docker Hub', () => {
  assert.equal(endpointOf('docker.io').origin, 'https://registry-1.docker.io');
  assert.equal(endpointOf('index.docker.io').origin, 'https://registry-1.docker.io');
  assert.equal(endpointOf('registry-1.docker.io').origin, 'https://registry-1.docker.io');
  assert.equal(credentialKeys('docker.io')[0], 'https://index.docker.io/v1/');
  assert.equal(storageKey('docker.io'), 'https://index.docker.io/v1/');
  assert.deepEqual(credentialKeys('r.example.com'), ['r.example.com']);
  assert.equal(storageKey('https://r.example.com/v2/'), 'https://r.example.com/v2/');
});

test('refuses what is no host', () => {
  for (const host of ['', 'a b', 'user@host', 'host/path', 'host:99999', 'host:x', '[::1', '../x']) {
    assert.throws(
      () => endpointOf(host),
      (error) => isChartError(error, 'REFERENCE_INVALID'),
      host,
    );
  }
});

test('cuts scheme and path off what a person typed', () => {
  for (const typed of ['h:1', 'http://h:1', 'https://h:1/', 'oci://h:1/a/b', 'h:1/v2/'])
    assert.equal(bareHost(typed), 'h:1');
});
