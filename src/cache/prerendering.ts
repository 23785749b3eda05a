const mark: unique symbol = Symbol.for('byway.prerender') as never

/** Whether `prerender()` made the request: the response is made again, to its end, and without reading request data. */
export const isPrerendered = (request: Request): boolean => mark in request

export const markPrerendered = (request: Request): Request => Object.defineProperty(request, mark, { value: true })
