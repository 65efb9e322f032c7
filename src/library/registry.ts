/** Registries that speak the OCI distribution specification, and credentials for them. */
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export { type Credentials, readCredentials } from '../registry/credentials.js';
export { openRegistry, type Registry, type RegistryOptions } from '../registry/registry.js';
