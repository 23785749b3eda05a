import type { Method, Operation } from './declaration.js'
import type { Segment } from './pattern.js'
import type { Schema } from './schema.js'

/** Any middleware, for lists. */
export type AnyMiddleware = (request: Request, context: any, next: any) => Response | Promise<Response>

/** One operation of a route, as data. */
export interface RouteOperation {
  readonly method: Method
  /** Its schemas and limits, as they were declared. */
  readonly declaration: Operation
  readonly handler: (request: Request, context: any) => unknown
  /** The middleware around the handler, the outermost first. */
  readonly middleware: readonly AnyMiddleware[]
  /** The stack of the declaration, if a command has requested stacks. */
  readonly stack: string | undefined
}

/** The schema of a route's params: one for each part of the pattern that declares one. */
export interface ParamsSchema {
  /** The names of the params that the part captures. */
  readonly names: readonly string[]
  readonly schema: Schema
}

/** A route as data. */
export interface RouteData {
  readonly pattern: string
  readonly segments: readonly Segment[]
  readonly params: readonly ParamsSchema[]
  /** The middleware around the operations that are declared next, the outermost first. */
  readonly middleware: readonly AnyMiddleware[]
  readonly operations: ReadonlyMap<Method, RouteOperation>
  /** The operation of `.all()`. */
  readonly rest?: RouteOperation | undefined
}

/** A route of an app, and the names that lead to it in what `router()` was given: `['users', 'me']`. */
export interface NamedRoute {
  readonly route: RouteData
  readonly names: readonly string[]
}

/** A rewrite or a redirect: a pattern, and the path that it leads to. */
export interface Rule {
  /** The pattern that is matched. */
  readonly source: string
  /** The target. `[name]`, `[...name]` and `[[...name]]` are replaced by the source's params, in path, query and hash. */
  readonly destination: string
}

/** An app's own error format, made by `problems()`. */
export interface ProblemFormat {
  readonly schema: Schema
  /** The status that is sent in place of another. */
  readonly statuses: { readonly [status: number]: number }
  /** Converts a problem response. Returns other responses as they are. */
  convert(response: Response): Response
}

/** An app as data, for code that reads routes: documents, commands, middleware. */
export interface App {
  readonly routes: readonly NamedRoute[]
  readonly use: readonly AnyMiddleware[]
  readonly rewrites: readonly Rule[]
  /** Without a trailing slash; `''` if the app has none. */
  readonly basePath: string
  readonly problems?: ProblemFormat | undefined
}
