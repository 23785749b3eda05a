/**
 * A response that the route cannot send: a redirect that was not followed, a proxy's page, byway's own 404, 405 or 500.
 * Its body has been read and is `body`.
 */
export class UnexpectedResponse extends Error {
  override readonly name = 'UnexpectedResponse'
  declare readonly status: number
  declare readonly response: Response
  /** The value of a JSON body, else its characters. */
  declare readonly body: unknown
  /** The issues that the schema in `responses` has with the data. */
  declare readonly issues: readonly { readonly message: string }[] | undefined

  constructor(
    request: Request,
    response: Response,
    body: unknown,
    issues?: readonly { readonly message: string }[] | undefined,
  ) {
    super(
      `${request.method} ${request.url}: unexpected response ${response.status || response.type}${issues ? `, ${issues[0]?.message}` : ''}`,
    )
    this.issues = issues
    this.status = response.status
    this.response = response
    this.body = body
  }
}
