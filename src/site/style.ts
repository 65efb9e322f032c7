/** The style of all pages. Colours keep a contrast of 4.5 and more in both schemes. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --raised: #f4f4f1; --ink: #1d2125; --quiet: #59616b; --line: #dfe0dc;
  --accent: #0d5ba5; --warn: #8a4b00; --warn-paper: #fdf1df; --mark: #a3123a;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --raised: #1e2226; --ink: #e3e6e8; --quiet: #a0a9b2; --line: #33393f;
    --accent: #86bdf5; --warn: #f0b566; --warn-paper: #33270f; --mark: #ff9db4;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
.wide { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: .06em; }
a:hover { text-decoration-thickness: .12em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; letter-spacing: -.01em; margin: 0; font-weight: 650; }
h1 { font-size: clamp(1.6rem, 1.2rem + 2vw, 2.25rem); }
h2 { font-size: 1.25rem; }
p, ul, ol, dl, pre, figure, table, blockquote { margin: 0; }
code, pre, .mono { font-family: var(--mono); font-size: .875em; }
pre code { font-size: 1em; }
pre, code, .mono { direction: ltr; unicode-bidi: isolate; text-align: left; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 1rem; top: -4rem; padding: .5rem 1rem; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; z-index: 1; }
.skip:focus { top: .5rem; }

.top { border-bottom: 1px solid var(--line); }
.top .wide { display: flex; gap: .75rem 1.5rem; align-items: center; justify-content: space-between; padding-block: .75rem; }
.home { font-weight: 650; color: var(--ink); text-decoration: none; padding: .5rem 0; white-space: nowrap; }
.top form { display: flex; gap: .5rem; flex: 0 1 24rem; min-width: 0; }
input, button { font: inherit; color: inherit; min-height: 2.75rem; border-radius: 6px; border: 1px solid var(--quiet); background: var(--paper); padding: 0 .75rem; }
input { flex: 1; min-width: 0; }
input::placeholder { color: var(--quiet); opacity: 1; }
button { background: var(--raised); cursor: pointer; }
main { padding-block: 2.25rem 4rem !important; }
.lead { color: var(--quiet); font-size: 1.0625rem; max-width: 46rem; margin-top: .5rem; }
.version { font-weight: 400; color: var(--quiet); font-variant-numeric: tabular-nums; letter-spacing: 0; }
.note { color: var(--quiet); }

.charts { list-style: none; padding: 0; margin-top: 1.75rem; }
.charts > li { border-top: 1px solid var(--line); padding: 1.125rem 0; }
.charts h2 { font-size: 1.125rem; }
.charts p { max-width: 46rem; margin-top: .25rem; }
.facts { color: var(--quiet); font-size: .9375rem; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1.25rem; }
.badges { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .375rem; margin-top: .75rem; }
.badge { font-size: .875rem; line-height: 1.5; padding: .0625rem .625rem; border-radius: 999px; background: var(--raised); border: 1px solid var(--line); color: var(--ink); font-weight: 400; letter-spacing: 0; }
.badge.warn { background: var(--warn-paper); color: var(--warn); border-color: currentColor; }
h2 .badge { vertical-align: .1em; }

.use { margin-top: 1.75rem; display: grid; gap: .875rem; }
.charts ~ .use, .pager + .use { border-top: 1px solid var(--line); padding-top: 1.75rem; margin-top: 0; }
.pager + .use { margin-top: 1.75rem; }
.command figcaption { font-size: .875rem; color: var(--quiet); margin-bottom: .25rem; }
.command pre { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .625rem .875rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.command .option { white-space: nowrap; }
.command code { user-select: all; -webkit-user-select: all; }
.pager { display: flex; justify-content: space-between; gap: 1rem; border-top: 1px solid var(--line); padding-top: 1rem; color: var(--quiet); }
.pager a { padding: .25rem 0; }

.columns { display: grid; gap: 2.5rem; margin-top: 2.5rem; }
.columns > * { min-width: 0; }
.texts > section + section { margin-top: 2.5rem; }
.texts > section > h2 { border-bottom: 1px solid var(--line); padding-bottom: .5rem; margin-bottom: 1rem; }
aside { font-size: .9375rem; }
aside h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
aside h2:first-child { margin-top: 0; }
aside p { margin-top: .5rem; }
dl { display: grid; gap: .125rem; }
dt { color: var(--quiet); font-size: .875rem; margin-top: .5rem; }
dt:first-child { margin-top: 0; }
dd { margin: 0; }
.hash { font-size: .8125rem; overflow-wrap: anywhere; word-break: break-all; }
.versions, .plain { list-style: none; padding: 0; }
.versions li { display: flex; justify-content: space-between; gap: 1rem; padding: .25rem 0; font-variant-numeric: tabular-nums; }
.versions li > a { min-width: 0; }
.versions li > span { color: var(--quiet); white-space: nowrap; }
.versions a[aria-current] { color: var(--ink); font-weight: 650; text-decoration: none; }
.versions.many { margin-top: 1.75rem; border-top: 1px solid var(--line); max-width: 46rem; }
.versions.many li { border-bottom: 1px solid var(--line); padding: .5rem 0; }
.plain li + li { margin-top: .25rem; }
@media (min-width: 56rem) { .columns { grid-template-columns: minmax(0, 1fr) 18rem; gap: 3.5rem; } }

.readme > * + *, .readme li > * + *, .readme blockquote > * + *, .readme details > * + * { margin-top: 1rem; }
.readme h3, .readme h4, .readme h5, .readme h6 { margin-top: 2rem; }
.readme > :first-child { margin-top: 0; }
.readme h3 { font-size: 1.25rem; }
.readme h4 { font-size: 1.0625rem; }
.readme h5, .readme h6 { font-size: 1rem; }
.readme ul, .readme ol { padding-inline-start: 1.5rem; }
.readme li + li { margin-top: .25rem; }
.readme blockquote { border-inline-start: 3px solid var(--line); padding-inline-start: 1rem; color: var(--quiet); }
.readme hr { border: 0; border-top: 1px solid var(--line); }
.readme code { background: var(--raised); border-radius: 4px; padding: .1em .3em; }
.texts pre { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .875rem; overflow: auto; line-height: 1.5; overflow-wrap: normal; tab-size: 2; }
.texts pre code { background: none; padding: 0; }
.texts details > pre { margin-top: .75rem; max-height: 80vh; }
.texts .readme > pre:only-child { white-space: pre-wrap; }
summary { cursor: pointer; padding: .375rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9375rem; overflow-wrap: normal; min-width: 100%; }
th, td { text-align: start; vertical-align: top; padding: .5rem .875rem .5rem 0; border-bottom: 1px solid var(--line); max-width: 28rem; }
thead th { color: var(--quiet); font-weight: 400; font-size: .875rem; }
tbody th { font-weight: 650; }
.address { overflow-wrap: anywhere; min-width: 12rem; }
mark { background: none; color: var(--mark); border: 1px solid currentColor; border-radius: 3px; padding: 0 .2em; font-size: .85em; }
@media (max-width: 30rem) { .top button { padding: 0 .625rem; } }
@media print { .top, .skip { display: none; } }
`;
