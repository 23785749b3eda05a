/**
 * The detail of byway's own 404, 405 and 500 that no handler sent: no route matches, the route lacks the method, or something
 * was thrown. The client tells them by it from the 404, 405 and 500 of a route, which are results.
 */
export const undeclared = 'No handler sent this response.'
