// Not there until something is prerendered: a server that never does asks nothing of its requests.
let prerendered: WeakSet<Request> | undefined

/** Whether the request was made by prerender(), which wants it filled anew, whole, and without reading request data. */
export function isPrerendered(request: Request): boolean {
  return prerendered !== undefined && prerendered.has(request)
}

export function markPrerendered(request: Request): void {
  ;(prerendered ??= new WeakSet()).add(request)
}
