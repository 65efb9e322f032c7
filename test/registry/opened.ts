/** A repository of a registry that is written out. */
import type { TestContext } from 'node:test';
import type { Repository } from '../../src/oci/target.js';
import { openRegistry, type Registry, type RegistryOptions } from '../../src/registry/registry.js';
import { type Exchange, type ExchangeOptions, startExchange } from '../helpers/http-exchange.js';
import { type FakeClock, fakeClock } from './fake-clock.js';

export interface Opened {
  readonly server: Exchange;
  readonly registry: Registry;
  /** `team/app` */
  readonly repository: Repository;
  readonly clock: FakeClock;
}

export async function openExchange(
  t: TestContext,
  steps: Parameters<typeof startExchange>[1],
  options: RegistryOptions & ExchangeOptions = {},
): Promise<Opened> {
  const { tls, ...registryOptions } = options;
  // Before the server ends, which looks whether all has come.
  t.after(() => registry.close());
  const server = await startExchange(t, steps, tls ? { tls } : {});
  const clock = fakeClock();
  const registry = openRegistry(server.host, { clock, ...registryOptions });
  return { server, registry, repository: registry.repository('team/app'), clock };
}
