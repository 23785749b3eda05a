export { serve, toNodeHandler } from './hosts/node.js'
export type { App, NodeHandlerOptions, Served, ServeOptions } from './hosts/node.js'
export { fileStore } from './cache/stores/file-store.js'
export type { FileStoreOptions } from './cache/stores/file-store.js'
export { prerender, PrerenderError } from './prerender/prerender.js'
export type {
  Prerendered,
  PrerenderedPage,
  PrerenderApp,
  PrerenderFailure,
  PrerenderOptions,
  PrerenderProgress,
} from './prerender/prerender.js'
