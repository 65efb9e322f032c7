// Other programs that do the same work, as far as they are on PATH.
import { spawnSync } from 'node:child_process';

const NAMES = {
  'Helm 3.6.3': { files: ['helm-3.6.3', 'helm3.6', 'helm3', 'helm'], args: ['version', '--short'], is: /^v3\.6\./m },
  'Helm 4': { files: ['helm4', 'helm'], args: ['version', '--short'], is: /^v4\./m },
  ORAS: { files: ['oras'], args: ['version'], is: /Version:\s*\S+/ },
  regctl: { files: ['regctl'], args: ['version'], is: /VCSTag:|Go Version|VCSRef/ },
  skopeo: { files: ['skopeo'], args: ['--version'], is: /skopeo version/ },
};

/** @returns `{ name, file, version }` of each that is found and says that it is what it is taken for */
export function findPeers(cwd) {
  return Object.entries(NAMES).flatMap(([name, { files, args, is }]) => {
    for (const file of files) {
      const { stdout, status } = spawnSync(file, args, { cwd, encoding: 'utf8', env: { ...process.env, HOME: cwd } });
      const line = status === 0 ? stdout.split('\n').find((text) => is.test(text)) : undefined;
      if (line !== undefined) return [{ name, file, version: line.trim().replace(/^.*?:\s*/, '') }];
    }
    return [];
  });
}
