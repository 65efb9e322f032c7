/** A mirror file to start from, and the schema that editors read. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChartError, systemErrorCode } from '../../errors.js';
import { makeDirectory } from '../../make-directory.js';
import { MIRROR_SCHEMA } from './schema.js';

export const SCHEMA_FILE = 'mirror.schema.json';

export const MIRROR_EXAMPLE = `# yaml-language-server: $schema=./${SCHEMA_FILE}
#
# What "chart mirror -f FILE" copies, and where to. Run it again at any time: what is there is skipped.
version: 1

# Where everything goes: a prefix in a registry, "cache" for the local cache, or a bundle such as charts.bundle.tar.
# With {name}, {path} or {version} it says exactly where: oci://registry.lan/mirror/{path}
# "chart mirror -f FILE --to ..." says otherwise.
target: oci://registry.lan/charts

# For all entries that do not say otherwise.
defaults:
  limit: 3 # so many versions of each chart, newest first
  prerelease: false # leave out 1.0.0-rc.1 and the like
  dependencies: false # take along what Chart.yaml depends on
  referrers: false # take along signatures and other things that are attached

# Layer type of charts from classic repositories: "legacy" can be read by Helm 3.6.3, "current" is that of Helm 3.7 and later.
# mediaType: current

# How hosts are reached. Passwords do not stand here: an environment variable holds them. What is not named here is looked up
# where "chart registry login" and "docker login" keep it.
# registries:
#   registry.lan:
#     username: mirror
#     passwordEnv: REGISTRY_PASSWORD
#     caFile: ./lan-ca.pem
#   localhost:5000:
#     plainHttp: true
#   charts.acme.io:
#     usernameEnv: ACME_USER
#     passwordEnv: ACME_PASSWORD
#     passCredentials: true # its index names charts on other hosts, which want them, too

charts:
  # A repository of a registry, and a range of versions as Helm reads it.
  - source: oci://ghcr.io/acme/api
    version: ">=2.0.0 <3"

  # One chart of a classic repository, with what it depends on.
  - source: https://charts.acme.io
    name: web
    version: "^1.4"
    dependencies: true

  # All charts of one that fit, under another name: oci://registry.lan/charts/acme/NAME
  # - source: https://charts.acme.io
  #   include: ["db-*", cache]
  #   exclude: ["*-test"]
  #   target: acme/{name}

  # Everything that a registry lists below a path, with signatures.
  # - source: oci://registry.example.com/team/*
  #   limit: 1
  #   referrers: true

  # The local cache, or a directory with an index.yaml.
  # - source: cache
  # - source: ./charts
`;

/**
 * Writes the example and, beside it, the schema.
 *
 * @returns the files that were written; none where `file` is there
 * @throws ChartError `OUTPUT_FAILED`
 */
export async function writeExample(file: string, { force }: { readonly force: boolean }): Promise<string[]> {
  const schema = join(dirname(file), SCHEMA_FILE);
  try {
    makeDirectory(dirname(file));
    await writeFile(file, MIRROR_EXAMPLE, { flag: force ? 'w' : 'wx' });
    if (!(await mayWriteSchema(schema))) return [file];
    await writeFile(schema, formatSchema());
    return [file, schema];
  } catch (cause) {
    if (systemErrorCode(cause) === 'EEXIST' && !force) return [];
    throw new ChartError('OUTPUT_FAILED', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}

export function formatSchema(): string {
  return `${JSON.stringify(MIRROR_SCHEMA, undefined, 2)}\n`;
}

/** A schema of ours is replaced, anything else of that name is not. */
async function mayWriteSchema(path: string): Promise<boolean> {
  try {
    return (await readFile(path, 'utf8')).includes(MIRROR_SCHEMA.$id);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return true;
    throw error;
  }
}
