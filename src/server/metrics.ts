/**
 * What happened, counted for Prometheus.
 *
 *     chart_http_requests_total{method,kind,code}        chart_http_requests_in_flight
 *     chart_http_request_duration_seconds{kind}          chart_uploads_open
 *     chart_http_response_bytes_total{kind}              chart_faults_total
 *     process_... and nodejs_...: memory, processor time, event loop
 *
 * No label is a client's to choose: names of repositories would be a series each.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AccessRecord } from './access-record.js';
import type { Page } from './pages.js';

export interface Metrics {
  onRequest(record: AccessRecord): void;
  onFault(): void;
  /** Answers with all of them in Prometheus' text form. */
  readonly page: Page;
}

/** What is asked for when the metrics are. */
export interface MetricSources {
  readonly openRequests: () => number;
  readonly openUploads: () => number;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300];

export function createMetrics({ openRequests, openUploads }: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'chart_http_requests_total',
    help: 'Requests that were answered, or that the client gave up (code 499).',
    labelNames: ['method', 'kind', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'chart_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers,
  });
  const bytes = new Counter({
    name: 'chart_http_response_bytes_total',
    help: 'Bytes of the bodies that were sent.',
    labelNames: ['kind'],
    registers,
  });
  const faults = new Counter({
    name: 'chart_faults_total',
    help: 'Faults of the server or its storage, as they are also written to standard error.',
    registers,
  });
  gauge('chart_http_requests_in_flight', 'Requests under way.', openRequests);
  gauge('chart_uploads_open', 'Uploads that were begun and are not at their end.', openUploads);

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  return {
    onRequest({ method, kind, status, durationMs, bytes: sent }) {
      requests.inc({ method: METHODS.has(method) ? method : 'other', kind, code: status });
      duration.observe({ kind }, durationMs / 1000);
      if (sent > 0) bytes.inc({ kind }, sent);
    },
    onFault: () => faults.inc(),
    async page(_request, response) {
      const text = await registry.metrics();
      response.writeHead(200, {
        'Content-Type': registry.contentType,
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': 'no-store',
      });
      response.end(text);
    },
  };
}
