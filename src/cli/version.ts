declare const CHART_VERSION: string | undefined;

/** The version in package.json, put in by the build. */
export const version: string = typeof CHART_VERSION === 'string' ? CHART_VERSION : '0.0.0-source';
