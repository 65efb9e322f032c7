/** The library: what the program is made of, for programs of your own. docs/library.md says what of it is promised. */
export * from './library/bundle.js';
export * from './library/chart.js';
export * from './library/layout.js';
export * from './library/mirror.js';
export * from './library/oci.js';
export * from './library/operations.js';
export * from './library/registry.js';
export * from './library/server.js';
