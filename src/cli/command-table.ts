/** The commands: what the help says of each, and where it is. None is loaded here. */
import type { Configure } from './configure.js';

export interface CommandEntry {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  readonly load?: () => Promise<{ configure: Configure }>;
  readonly children?: readonly CommandEntry[];
  /** Its heading in the help. */
  readonly group?: Group;
  /** The page of docs/ that says more. */
  readonly topic?: string;
}

type Group = 'Charts in the cache' | 'Registries' | 'Across a gap' | 'Servers' | 'Other';

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'save',
    group: 'Charts in the cache',
    topic: 'charts',
    summary: 'save chart directories or packed charts into the cache',
    load: () => import('./commands/save.js'),
  },
  {
    name: 'list',
    group: 'Charts in the cache',
    topic: 'cache',
    alias: 'ls',
    summary: 'list the charts in the cache',
    load: () => import('./commands/list.js'),
  },
  {
    name: 'export',
    group: 'Charts in the cache',
    topic: 'charts',
    summary: 'write cached charts to directories',
    load: () => import('./commands/export.js'),
  },
  {
    name: 'remove',
    group: 'Charts in the cache',
    topic: 'cache',
    alias: 'rm',
    summary: 'remove references from the cache',
    load: () => import('./commands/remove.js'),
  },
  {
    name: 'push',
    group: 'Registries',
    topic: 'registries',
    summary: 'push cached charts to their registries',
    load: () => import('./commands/push.js'),
  },
  {
    name: 'pull',
    group: 'Registries',
    topic: 'registries',
    summary: 'pull charts from registries into the cache',
    load: () => import('./commands/pull.js'),
  },
  {
    name: 'tag',
    group: 'Charts in the cache',
    summary: 'give a cached chart a second name',
    load: () => import('./commands/tag.js'),
  },
  {
    name: 'tags',
    group: 'Registries',
    topic: 'tags-and-referrers',
    summary: 'list the tags of a repository, newest version first',
    load: () => import('./commands/tags.js'),
  },
  {
    name: 'show',
    group: 'Charts in the cache',
    topic: 'charts',
    summary: 'show parts of a cached chart',
    load: () => import('./commands/show.js'),
  },
  {
    name: 'verify',
    group: 'Charts in the cache',
    topic: 'cache',
    summary: 'check the cache, or who signed charts',
    load: () => import('./commands/verify.js'),
  },
  {
    name: 'prune',
    group: 'Charts in the cache',
    topic: 'cache',
    summary: 'delete what no reference reaches',
    load: () => import('./commands/prune.js'),
  },
  {
    name: 'bundle',
    group: 'Across a gap',
    topic: 'bundles',
    summary: 'write cached charts to one portable file',
    load: () => import('./commands/bundle.js'),
    children: [
      { name: 'ls', summary: 'list what a bundle holds', load: () => import('./commands/bundle-ls.js') },
      { name: 'verify', summary: 'check a bundle', load: () => import('./commands/bundle-verify.js') },
    ],
  },
  {
    name: 'images',
    group: 'Across a gap',
    topic: 'bundles',
    summary: 'list the container images that charts name',
    load: () => import('./commands/images.js'),
  },
  {
    name: 'unbundle',
    group: 'Across a gap',
    topic: 'bundles',
    summary: 'load a bundle into the cache',
    load: () => import('./commands/unbundle.js'),
  },
  {
    name: 'serve',
    group: 'Servers',
    topic: 'serve',
    summary: 'serve the cache as an OCI registry',
    load: () => import('./commands/serve.js'),
  },
  {
    name: 'mirror',
    group: 'Registries',
    topic: 'mirror',
    summary: 'copy charts from registries and chart repositories to where they are wanted',
    load: () => import('./commands/mirror.js'),
    children: [
      {
        name: 'init',
        summary: 'write an example of a mirror file',
        load: () => import('./commands/mirror-init.js'),
      },
    ],
  },
  {
    name: 'registry',
    group: 'Registries',
    topic: 'registries',
    summary: 'log in to registries and out of them',
    children: [
      { name: 'login', summary: 'log in to a registry', load: () => import('./commands/login.js') },
      { name: 'logout', summary: 'log out of a registry', load: () => import('./commands/logout.js') },
    ],
  },
  {
    name: 'completion',
    group: 'Other',
    summary: 'print a script that completes chart in a shell',
    load: () => import('./commands/completion.js'),
  },
  // Loaded apart, beside the command that it is to tell of.
  { name: 'help', group: 'Other', summary: 'show help for a command, or a page of the manual' },
];
