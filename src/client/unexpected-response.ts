/**
 * An answer that is none of the route's own: a redirect that was not followed, a proxy's page, a server's unexpected
 * error. The response's body has been read; what it held is `body`.
 */
export class UnexpectedResponse extends Error {
  override readonly name = 'UnexpectedResponse'
  readonly status: number
  readonly response: Response
  /** The body as far as it could be read: JSON, else text. */
  readonly body: unknown
  /** What the schema in `responses` has against it. */
  readonly issues: readonly { readonly message: string }[] | undefined

  constructor(
    request: Request,
    response: Response,
    body: unknown,
    issues?: readonly { readonly message: string }[] | undefined,
  ) {
    const what = issues ? `data that its schema refuses: ${issues[0]?.message}` : 'which is not an answer of its route'
    super(
      `${request.method} ${request.url} got ${response.status || response.type}${response.statusText && ` ${response.statusText}`}, ${what}`,
    )
    this.issues = issues
    this.status = response.status
    this.response = response
    this.body = body
  }
}
