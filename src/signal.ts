// The package imports this file as `#signal`. Deno gets signal-deno.ts instead.

/** A request, and how far its response is. */
export interface Progress {
  readonly request: Request
  /** Whether the host has the response. */
  readonly isFinished: boolean
  /** Resolves at the end of a streamed body, to whether the stream was canceled. */
  readonly streamEnd: Promise<boolean> | undefined
}

/** The signal that aborts when the client disconnects or the server stops. */
export const signalOf = ({ request }: Progress): AbortSignal => request.signal
