export {
  bytes,
  forbidden,
  html,
  json,
  localRedirect,
  notFound,
  permanentRedirect,
  problem,
  redirect,
  seeOther,
  text,
  unauthorized,
  xml,
} from './reply.js'
export type { ProblemOf } from './reply.js'
export type { ProblemInit, Reply, ReplyHeaders, ReplyInit } from '../reply.js'
export { ndjson, stream } from './lines.js'
export { file } from './file.js'
export type { FileBody, FileOptions, FileReply, FileSource } from './file.js'
export { formatContentDisposition } from '../headers/content-disposition.js'
export type { Disposition } from '../headers/content-disposition.js'
export { proxy } from './proxy.js'
export type { ProxyOptions } from './proxy.js'
export { sse } from './sse.js'
export type { ServerSentEvent, SseInit } from './sse.js'
export { createResponse, headerOf, ownTarget, textOf, withHeaders } from '#response'
export type { HeaderPairs, ResponseBody } from '#response'
export type { Items } from './stream.js'
