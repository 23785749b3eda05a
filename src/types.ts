// The types of inferred signatures, so that a package with `declaration: true` can name them. Every entry's types import this
// file: TypeScript names a type by a module that is in the program.
export type { AnyMiddleware, App, NamedRoute, RouteData, RouteOperation, Rule } from './app.js'
export type { BaseContext, NextOptions } from './context.js'
export type { InputName, Method, RequestBody } from './declaration.js'
export type { HrefArguments, HrefOptions, HrefParams, QueryValue } from './href.js'
export type { Added, AddedBy, AroundOperation, Continued, Early, Inputs, MiddlewareOptions } from './middleware.js'
export type { MiddlewareNotes, OperationNotes, ResponseNotes, SecurityRequirement, SecurityScheme } from './notes.js'
export type { Rewrites } from './paths/rewrites.js'
export type { RuleMistakes } from './paths/rules.js'
export type { StaticParams, StaticParamsOptions } from './paths/static-params.js'
export type { AnyParams, CatchAllParams, InvalidPattern, PatternMistake, PlainParams } from './pattern.js'
export type {
  ErrorStatus,
  InputError,
  Phase,
  ProblemDetails,
  RedirectStatus,
  Status,
  SuccessStatus,
} from './problem.js'
export type { ProblemContext, Problems, ProblemsOptions } from './replies/problem-format.js'
export type { DeclaredReply, HeadersInput, OtherReply, ProblemInit, Reply, ReplyHeaders, ReplyInit } from './reply.js'
export type {
  AnyRoute,
  Define,
  DefineRest,
  InvalidOperation,
  OperationContext,
  OperationFunction,
  ParsedParams,
  RouteFactory,
  Sendable,
} from './route.js'
export type { Input, Issue, Output, Unvalidated } from './schema.js'
