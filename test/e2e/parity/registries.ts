/** The registries that the recording names: an open one, one with a user, and a port where nothing listens. */
import { type DockerRegistry, freePort, startDockerRegistry } from '../../helpers/docker-registry.js';
import { isPresent, type Ports, RECORDED_PORTS } from './cases.js';

export interface Registries {
  readonly ports: Ports;
  stop(): Promise<void>;
}

/** Starts what can be started here; scenarios that need the rest are skipped, and keep the recorded ports. */
export async function startRegistries(): Promise<Registries> {
  const started: DockerRegistry[] = [];
  const start = async (htpasswd?: Record<string, string>): Promise<number> => {
    const registry = await startDockerRegistry({ port: 'four-digit', htpasswd });
    started.push(registry);
    return isRecorded(registry.port) ? start(htpasswd) : registry.port;
  };
  const canStart = isPresent('docker-registry');
  const open = canStart ? await start() : RECORDED_PORTS.open;
  const password = canStart && isPresent('htpasswd') ? await start({ user: 'pass' }) : RECORDED_PORTS.password;
  return {
    ports: { open, password, closed: await closedPort() },
    stop: async () => {
      await Promise.all(started.map((registry) => registry.stop()));
    },
  };
}

async function closedPort(): Promise<number> {
  const port = await freePort('four-digit');
  return isRecorded(port) ? closedPort() : port;
}

/** A port that the recording names for something else would be rewritten twice. */
function isRecorded(port: number): boolean {
  return Object.values(RECORDED_PORTS).includes(port);
}
