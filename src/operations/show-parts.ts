/** What `show` can show, in the order in which Helm shows it. Apart from show.ts, so that the help needs no more than this. */
export const SHOW_PARTS = ['chart', 'values', 'readme', 'crds', 'all', 'manifest'] as const;

export type ShowPart = (typeof SHOW_PARTS)[number];
