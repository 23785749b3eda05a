export { createClient } from './client.js'
export type { CallOptions, Client, ClientOptions, ClientRoute, Failure, Success } from './client.js'
export { UnexpectedResponse } from './unexpected-response.js'
