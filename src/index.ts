export type {
  MiddlewareNotes,
  OperationNotes,
  ResponseNotes,
  SecurityRequirement,
  SecurityScheme,
} from './annotations.js'
export { errorOf } from './problem.js'
export type {
  ErrorStatus,
  InputError,
  Problem,
  ProblemDetails,
  RedirectStatus,
  Status,
  SuccessStatus,
} from './problem.js'
export { href, PatternError } from './pattern.js'
export type {
  AnyParams,
  HrefArguments,
  HrefOptions,
  HrefParams,
  InvalidPattern,
  Params,
  PatternMistake,
  QueryValue,
} from './pattern.js'
export { RouterError } from './matcher.js'
export type { BaseContext, Phase, RouteContext } from './context.js'
export { middleware } from './middleware.js'
export type { Added, AnyContext, AnyMiddleware, Continued, Early, Middleware, Next } from './middleware.js'
export type { Jsonify } from './jsonify.js'
export * as reply from './replies.js'
export type { ProblemOf, Reply, ReplyHeaders, ReplyInit } from './reply.js'
export type { ServerSentEvent, SseInit } from './sse.js'
export type { Items } from './stream.js'
export type { Input, InputName, Operation, Output, Schema } from './validate.js'
export { RouteError } from './operation.js'
export type { Method, RouteData, RouteOperation } from './operation.js'
export { route } from './route.js'
export type {
  Define,
  Handler,
  OperationContext,
  OperationFunction,
  AnyRoute,
  Route,
  RouteFactory,
  Sendable,
} from './route.js'
export type { GenerateStaticParams, StaticParams, StaticParamsOptions } from './static-params.js'
export { router } from './router.js'
export type { ErrorInfo, Router, RouterOptions } from './router.js'
export type { Rule, RuleMistakes } from './rules.js'
