export { createClient } from './client.js'
export type { Client, ClientOptions, ClientRoute, Failure, Success } from './client.js'
export type { CallOptions } from './request.js'
export { UnexpectedResponse } from './unexpected-response.js'
