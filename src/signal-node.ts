import type { Progress } from './signal.js'

export type { Progress } from './signal.js'

// In Node.js, the signal of a collected `Request` never aborts: https://github.com/nodejs/undici/blob/v7.0.0/lib/web/fetch/request.js
// keeps its controller alive with the request only. So the request must live as long as its signal.
const requests = new WeakMap<AbortSignal, Request>()

/** The signal that aborts when the client disconnects or the server stops. */
export function signalOf({ request }: Progress): AbortSignal {
  const { signal } = request
  requests.set(signal, request)
  return signal
}
