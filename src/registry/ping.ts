/** `GET /v2/`: whether a registry is there. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support */
import type { ChartError } from '../errors.js';
import type { CallOptions } from '../oci/target.js';
import { discard } from './answers.js';
import type { Client } from './client.js';
import type { Refusal } from './refusals.js';

export interface Pong {
  /** `https://HOST/v2/` */
  readonly url: string;
  /** 200: a registry is there and lets these credentials in. */
  readonly status: number;
  /** Absent where the status is 200. */
  readonly refusal?: Refusal;
  /** The error that the refusal stands for. */
  readonly error?: ChartError;
}

/** @throws ChartError what the network and a token server do */
export async function ping(client: Client, { signal }: CallOptions): Promise<Pong> {
  const response = await client.send({ method: 'GET', url: '/v2/', scopes: [], signal });
  const { status } = response;
  const url = `${client.endpoint.origin}/v2/`;
  if (status === 200) {
    await discard(response);
    return { url, status };
  }
  const refusal = await client.readRefusal(response);
  return { url, status, refusal, error: await client.explain(refusal, { what: 'be used' }) };
}
