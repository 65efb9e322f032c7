import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { type ProxySettings, proxyLookup } from '../../src/registry/proxy.js';

const PROXIES = { httpProxy: 'http://plain.example:3128', httpsProxy: 'secure.example:3129' };

function proxyOf(url: string, settings: ProxySettings = PROXIES): string | undefined {
  return proxyLookup(settings)(new URL(url))?.origin;
}

test('each scheme has its own proxy, and none where none is named', () => {
  assert.equal(proxyOf('http://r.example.com/'), 'http://plain.example:3128');
  assert.equal(proxyOf('https://r.example.com/'), 'http://secure.example:3129');
  assert.equal(proxyOf('https://r.example.com/', { httpProxy: 'plain.example:3128' }), undefined);
  assert.equal(proxyOf('https://r.example.com/', { httpsProxy: '', noProxy: '*' }), undefined);
  assert.equal(proxyOf('https://r.example.com/', {}), undefined);
});

test('localhost and loopback addresses are asked without a proxy, in every form', () => {
  for (const host of ['localhost', 'localhost:5000', '127.0.0.1', '127.1.2.3:80', '[::1]:5000', '[::ffff:127.0.0.1]']) {
    assert.equal(proxyOf(`http://${host}/`), undefined, host);
  }
  for (const host of ['localhost.example.com', 'notlocalhost', '128.0.0.1', '[::2]'])
    assert.ok(proxyOf(`http://${host}/`), host);
});

test('NO_PROXY names hosts, domains, ports, addresses and networks as Go reads it', () => {
  const cases: [noProxy: string, direct: string[], proxied: string[]][] = [
    ['*', ['r.example.com', '192.0.2.1'], []],
    ['example.com', ['example.com', 'r.example.com', 'EXAMPLE.com', 'a.b.example.com:8443'], ['badexample.com', 'com']],
    ['.example.com', ['r.example.com'], ['example.com']],
    ['*.example.com', ['r.example.com'], ['example.com']],
    ['example.com:8443', ['r.example.com:8443'], ['r.example.com', 'r.example.com:8444']],
    ['example.com:443', ['r.example.com'], ['r.example.com:444']],
    [' a.example , ,B.Example ', ['a.example', 'b.example'], ['c.example']],
    ['192.0.2.7', ['192.0.2.7', '192.0.2.7:5000'], ['192.0.2.8', '7.192.0.2.7.example']],
    ['192.0.2.7:5000', ['192.0.2.7:5000'], ['192.0.2.7']],
    ['10.0.0.0/8,2001:db8::/32', ['10.1.2.3', '10.9.9.9:5000', '[2001:db8::5]'], ['11.0.0.1', '[2001:db9::5]']],
    ['2001:db8::1', ['[2001:db8::1]', '[2001:db8::1]:5000'], ['[2001:db8::2]']],
    ['[2001:db8::1]:5000', ['[2001:db8::1]:5000'], ['[2001:db8::1]']],
    ['10.0.0.0/99,:80,/,example.com:', ['example.com:7'], ['10.0.0.1', 'r.test:80']],
  ];
  for (const [noProxy, direct, proxied] of cases) {
    const settings = { httpsProxy: 'p.test:1', noProxy };
    for (const host of direct) assert.equal(proxyOf(`https://${host}/`, settings), undefined, `${noProxy}: ${host}`);
    for (const host of proxied) assert.ok(proxyOf(`https://${host}/`, settings), `${noProxy}: ${host}`);
  }
});

test('a proxy has a scheme, a port and a password where they are written, and tells no password', () => {
  const find = (httpsProxy: string): ReturnType<ReturnType<typeof proxyLookup>> =>
    proxyLookup({ httpsProxy })(new URL('https://r.example.com'));
  assert.deepEqual(find('http://me:p%40ss@p.test:3128/ignored'), {
    origin: 'http://p.test:3128',
    host: 'p.test:3128',
    authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  });
  assert.deepEqual(find('https://p.test'), { origin: 'https://p.test', host: 'p.test:443', authorization: undefined });
  assert.deepEqual(find('me@p.test'), {
    origin: 'http://p.test',
    host: 'p.test:80',
    authorization: `Basic ${Buffer.from('me:').toString('base64')}`,
  });
  assert.equal(find('u:100%@[2001:db8::1]:3128')?.origin, 'http://[2001:db8::1]:3128');
});

test('what is no address of a proxy is refused, without telling what it is', () => {
  for (const httpsProxy of [
    'socks5://me:secret@p.test:1080',
    'http://',
    'http://me:secret@p.test:port',
    'ftp://secret',
  ]) {
    assert.throws(
      () => proxyOf('https://r.example.com', { httpsProxy }),
      (error) => {
        assert.ok(isChartError(error, 'USAGE'));
        assert.equal(error.message, 'HTTPS_PROXY does not hold the address of a proxy');
        assert.doesNotMatch(`${error.stack}${error.hint}`, /secret/);
        return true;
      },
    );
  }
});
