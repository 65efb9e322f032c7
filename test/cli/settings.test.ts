import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSettings } from '../../src/cli/settings.js';
import { isChartError } from '../../src/errors.js';

const CACHE = ['registry', 'cache'];

test('finds the cache as Helm does: its own variable, then XDG, then the platform', () => {
  const cache = (environment: Record<string, string>): string => readSettings({}, environment).cacheDirectory;
  assert.equal(cache({ HELM_CACHE_HOME: '/h', XDG_CACHE_HOME: '/x' }), join('/h', ...CACHE));
  assert.equal(cache({ XDG_CACHE_HOME: '/x' }), join('/x', 'helm', ...CACHE));
  assert.equal(readSettings({ cacheDir: '/mine' }, { HELM_CACHE_HOME: '/h' }).cacheDirectory, '/mine');
});

test('finds the cache where Helm does on each platform, and not where Linux would have it', () => {
  const on = (platform: NodeJS.Platform, environment: Record<string, string>): string => {
    const own = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
    Object.defineProperty(process, 'platform', { ...own, value: platform });
    try {
      return readSettings({}, environment).cacheDirectory;
    } finally {
      Object.defineProperty(process, 'platform', own);
    }
  };
  assert.equal(on('win32', { TEMP: '/temp', APPDATA: '/roaming' }), join('/temp', 'helm', ...CACHE));
  assert.equal(on('darwin', {}), join(homedir(), 'Library', 'Caches', 'helm', ...CACHE));
  assert.equal(on('linux', {}), join(homedir(), '.cache', 'helm', ...CACHE));
  for (const platform of ['win32', 'darwin', 'linux'] as const) {
    assert.equal(on(platform, { XDG_CACHE_HOME: '/x', TEMP: '/temp' }), join('/x', 'helm', ...CACHE));
  }
});

test('reads credentials from the files in order, or from the one that was named and no other', () => {
  const environment = { HELM_CONFIG_HOME: '/c', DOCKER_CONFIG: '/d' };
  const { credentialFiles, loginFile, logoutFiles } = readSettings({}, environment);
  const helm = [join('/c', 'registry', 'config.json'), join('/c', 'registry.json')];
  assert.deepEqual(credentialFiles, [...helm, join('/d', 'config.json')]);
  assert.equal(loginFile, helm[0]);
  assert.deepEqual(logoutFiles, helm);
  const named = readSettings({}, { ...environment, HELM_REGISTRY_CONFIG: '/one.json' });
  assert.deepEqual(
    [named.credentialFiles, named.loginFile, named.logoutFiles],
    [['/one.json'], '/one.json', ['/one.json']],
  );
  assert.equal(
    readSettings({ registryConfig: '/flag.json' }, { HELM_REGISTRY_CONFIG: '/one.json' }).loginFile,
    '/flag.json',
  );
});

test('takes the layer type from the option, then from the environment, and refuses another word', () => {
  assert.equal(readSettings({}, {}).flavour, 'legacy');
  assert.equal(readSettings({}, { CHART_MEDIA_TYPE: 'current' }).flavour, 'current');
  assert.equal(readSettings({ mediaType: 'legacy' }, { CHART_MEDIA_TYPE: 'current' }).flavour, 'legacy');
  assert.throws(
    () => readSettings({}, { CHART_MEDIA_TYPE: 'modern' }),
    (error) => isChartError(error, 'USAGE'),
  );
});

test('reads HELM_DEBUG as Helm does', () => {
  assert.deepEqual(
    ['1', 'true', '0', 'false', ''].map((HELM_DEBUG) => readSettings({}, { HELM_DEBUG }).debug),
    [true, true, false, false, false],
  );
});

test('takes proxies from the environment, in capitals or not, but none that a visitor of a CGI program may have sent', () => {
  const proxy = (environment: Record<string, string>) => readSettings({}, { HOME: '/h', ...environment }).proxy;
  assert.deepEqual(proxy({ HTTPS_PROXY: 'a', https_proxy: 'b', http_proxy: 'c', no_proxy: 'd', NO_PROXY: '' }), {
    httpsProxy: 'a',
    httpProxy: 'c',
    noProxy: 'd',
  });
  assert.equal(proxy({ HTTP_PROXY: 'a', REQUEST_METHOD: 'GET' }).httpProxy, undefined);
});
