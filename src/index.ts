export { errorOf } from './problem.js'
export { BodyLimitError } from './inputs/source.js'
export type {
  ErrorStatus,
  InputError,
  Phase,
  Problem,
  ProblemDetails,
  RedirectStatus,
  Status,
  SuccessStatus,
} from './problem.js'
export { PatternError } from './pattern.js'
export type { AnyParams, InvalidPattern, Params, PatternMistake } from './pattern.js'
export { href } from './href.js'
export type { HrefArguments, HrefOptions, HrefParams, QueryValue } from './href.js'
export { RouterError } from './matcher.js'
export type { BaseContext, NextOptions, RouteContext } from './context.js'
export type { App, NamedRoute, RouteData, RouteOperation, Rule } from './app.js'
export { middleware } from './middleware.js'
export type {
  Added,
  AnyContext,
  AnyMiddleware,
  AroundOperation,
  Continued,
  Early,
  Inputs,
  Middleware,
  MiddlewareOptions,
  Next,
} from './middleware.js'
export type { MiddlewareNotes, OperationNotes, ResponseNotes, SecurityRequirement, SecurityScheme } from './notes.js'
export type { Jsonify } from './jsonify.js'
export type { ProblemInit, Reply, ReplyHeaders, ReplyInit } from './reply.js'
export type { Input, Issue, Output, Schema, Unvalidated } from './schema.js'
export type { BodyKind, InputName, Method, Operation, RequestBody } from './declaration.js'
export { bytes, stream, text } from './inputs/kinds.js'
export { form } from './inputs/form.js'
export { RouteError } from './operation.js'
export { route } from './route.js'
export type {
  AnyRoute,
  Define,
  DefineRest,
  Handler,
  OperationContext,
  OperationFunction,
  Route,
  RouteFactory,
  Sendable,
} from './route.js'
export { generateStaticParams } from './paths/static-params.js'
export type { StaticParams, StaticParamsOptions } from './paths/static-params.js'
export { rewrites } from './paths/rewrites.js'
export type { Rewrites } from './paths/rewrites.js'
export type { RuleMistakes } from './paths/rules.js'
export { problems } from './replies/problem-format.js'
export type { ProblemContext, Problems, ProblemsOptions } from './replies/problem-format.js'
export { router } from './router.js'
export type { ErrorInfo, Router, RouterOptions } from './router.js'
