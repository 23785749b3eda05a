/**
 * The detail of byway's own 404, 405 and 500: no route matches, the route lacks the method, or a handler threw an error. The
 * client distinguishes them by it from the same statuses of a route, which are results.
 */
export const undeclared = 'No handler sent this response.'
