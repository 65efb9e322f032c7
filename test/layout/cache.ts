/** A cache of its own for each test. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ChartErrorCode, isChartError } from '../../src/errors.js';
import { type Layout, openLayout } from '../../src/layout/layout.js';
import { type Digest, digestAlgorithm, digestHex } from '../../src/oci/digest.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';

export interface TestCache {
  readonly dir: string;
  readonly layout: Layout;
  pathOf(digest: Digest): string;
}

/** A cache that does not exist yet. When the test ends it has to be in order, without anything in `ingest/`. */
export function tidyCache(t: TestContext): TestCache {
  // Before the directory is asked for, or else it is gone by then.
  t.after(async () => {
    await cache.layout.close();
    assertValidLayout(cache.dir);
    const ingest = join(cache.dir, 'ingest');
    if (existsSync(ingest)) assert.deepEqual(readdirSync(ingest), []);
  });
  const cache = looseCache(t);
  return cache;
}

/** A cache that is not looked at in the end, because it was broken on purpose. */
export function looseCache(t: TestContext): TestCache {
  const dir = join(temporaryDirectory(t), 'cache');
  const pathOf = (digest: Digest): string => join(dir, 'blobs', digestAlgorithm(digest), digestHex(digest));
  return { dir, layout: openLayout(dir), pathOf };
}

/** For `assert.rejects`: a `ChartError` with that code, and words. */
export function withCode(code: ChartErrorCode, words: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isChartError(error, code), `${code} expected, got ${error}`);
    assert.match(error.message, words);
    return true;
  };
}
