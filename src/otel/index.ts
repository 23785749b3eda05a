export { otel, traceHeaders } from './otel.js'
export type { OtelOptions } from './otel.js'
