/**
 * Chart versions: semantic versions 2.0, loosely, as Helm 3 reads them. `1`, `1.2`, `v1.2.3` and `01.2.3` will do.
 *
 *     [v] MAJOR [.MINOR [.PATCH]] [-PRERELEASE] [+BUILD]
 */

const VERSION =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

const MAX_NUMBER = 2n ** 64n - 1n;

/** True for what Helm 3.6.3 takes as `version` in a Chart.yaml. */
export function isChartVersion(text: string): boolean {
  const match = VERSION.exec(text);
  if (match === null) return false;
  const [, major = '0', minor = '0', patch = '0', prerelease = ''] = match;
  if ([major, minor, patch].some((number) => number.length > 19 && BigInt(number) > MAX_NUMBER)) return false;
  return !prerelease.split('.').some((part) => /^0[0-9]+$/.test(part));
}
