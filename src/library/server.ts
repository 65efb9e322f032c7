/** The OCI distribution API over any target. */
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export type { AccessRecord } from '../server/access-record.js';
export { createHandler, type Handler, type HandlerOptions } from '../server/handler.js';
export { type RunningServer, startServer } from '../server/server.js';
