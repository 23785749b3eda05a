// The API and the built pages as one app, for production.
import { route, router } from 'byway'
import { compress, secureHeaders } from 'byway/middleware'
import * as reply from 'byway/reply'
import { serveStatic } from 'byway/static'
import { note, notes } from './api.js'

const files = new URL('../dist/', import.meta.url)

// Vite puts a hash into these names.
const assets = route('/assets/[...path]').get(serveStatic(new URL('assets/', files), { immutable: true }))
// The app routes in the browser, so a navigation to any other path gets the page.
const pages = route('/[[...path]]').get(serveStatic(files, { fallback: 'index.html' }))
// Without this route, an unknown path of the API would be a page.
const missing = route('/api/[[...path]]').all(() => reply.notFound())

// byway's own policy suits data. These pages load from their own origin.
const policy = { 'default-src': ["'self'"], 'img-src': ["'self'", 'data:'], 'frame-ancestors': ["'none'"] }

export default router(
  { notes, note, missing, assets, pages },
  { use: [secureHeaders({ contentSecurityPolicy: policy }), compress()] },
)
