export { serveStatic } from './serve-static.js'
export type { ServeStaticOptions, StaticContext } from './serve-static.js'
