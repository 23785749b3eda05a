/** The members of an `UnexpectedResponse`. */
export interface UnexpectedDetails {
  readonly status: number
  readonly response: Response
  /** The value of a JSON body, else its characters; undefined if there was no body. */
  readonly body: unknown
  /** The issues that the schema in `responses` has with the data. */
  readonly issues: readonly { readonly message: string }[] | undefined
}

/**
 * A response that the route cannot send: a redirect that was not followed, a proxy's page, byway's own 404, 405 or 500.
 * Its body has been read and is `body`.
 */
export class UnexpectedResponse extends Error implements UnexpectedDetails {
  override readonly name = 'UnexpectedResponse'
  declare readonly status: number
  declare readonly response: Response
  declare readonly body: unknown
  declare readonly issues: UnexpectedDetails['issues']

  constructor({ method, url }: Request, response: Response, body: unknown, issues?: UnexpectedDetails['issues']) {
    const { status, type } = response
    super(`${method} ${url}: unexpected response ${status || type}${issues ? `, ${issues[0]?.message}` : ''}`)
    Object.assign(this, { status, response, body, issues })
  }
}
