export { serve } from './hosts/node.js'
export type { Served, ServeOptions } from './hosts/node.js'
export { toNodeHandler } from './hosts/node-handler.js'
export type { App, NodeHandler, NodeHandlerOptions } from './hosts/node-handler.js'
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
