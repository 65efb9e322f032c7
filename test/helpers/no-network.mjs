// Loaded before the program under test: no name but localhost resolves, so that no test asks a name server.
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIP } from 'node:net';

const lookup = dns.lookup;
const lookupPromise = dns.promises.lookup;

dns.lookup = function offlineLookup(host, options, callback) {
  if (isLocal(host)) return lookup(host, options, callback);
  const done = typeof options === 'function' ? options : callback;
  process.nextTick(done, notFound(host));
  return undefined;
};

dns.promises.lookup = async function offlineLookup(host, options) {
  if (isLocal(host)) return lookupPromise(host, options);
  throw notFound(host);
};

syncBuiltinESMExports();

function isLocal(host) {
  return !host || isIP(host) !== 0 || /^(?:.*\.)?localhost\.?$/i.test(host);
}

function notFound(hostname) {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
  return Object.assign(error, { errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname });
}
