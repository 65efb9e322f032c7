/**
 * Chart.lock and requirements.lock: kept as they are, but they have to be readable.
 *
 *     dependencies: [{name: redis, version: 10.5.3, repository: https://charts.example.com}]
 *     digest: sha256:96e8...
 *     generated: "2024-05-01T10:20:30.123456789Z"      RFC 3339
 */
import { decodeYaml, type Shape } from './go/json.js';
import { checkTime } from './go/time.js';
import { readChartFile } from './metadata.js';
import { DEPENDENCIES } from './metadata-shape.js';

const LOCK: Shape = {
  kind: 'struct',
  type: 'chart.Lock',
  fields: {
    generated: { kind: 'checked', type: 'time.Time', check: checkTime },
    digest: { kind: 'string', type: 'string' },
    dependencies: DEPENDENCIES,
  },
};

/** @throws ChartError `CHART_INVALID`, in Helm's words */
export function checkLock(file: string, bytes: Uint8Array): void {
  readChartFile(file, () => decodeYaml(bytes, LOCK));
}
