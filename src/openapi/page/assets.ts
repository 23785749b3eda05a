// oxlint-disable-next-line import/default -- the build adds the default export
import script from './main.ts?text'
import style from './page.css?text'

// A bypass road.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5fbf"/><path d="M11 6v20M11 20c0-7 10-3 10-10V6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`

/** The page's script, style sheet and icon, by file name. */
export const assets: ReadonlyMap<string, { readonly type: string; readonly text: string }> = new Map([
  ['page.js', { type: 'text/javascript; charset=utf-8', text: script }],
  ['page.css', { type: 'text/css; charset=utf-8', text: style }],
  ['icon.svg', { type: 'image/svg+xml', text: icon }],
])

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** Returns the HTML of the page. `base` is the relative URL of the directory with its files. */
export const toPage = (title: string, base: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escape(title)}</title>
    <link rel="icon" href="${escape(base)}icon.svg" />
    <link rel="stylesheet" href="${escape(base)}page.css" />
    <script type="module" src="${escape(base)}page.js"></script>
  </head>
  <body spellcheck="false">
    <noscript>This page requires JavaScript. The OpenAPI document is openapi.json, below the URL of this page.</noscript>
  </body>
</html>
`
