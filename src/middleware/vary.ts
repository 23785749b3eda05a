import { headerOf, withHeaders } from '#response'

/** Adds a name to `Vary`, unless it has the name or `*`. */
export function addVary(headers: Headers, name: string): void {
  const names = (headers.get('vary') ?? '').toLowerCase().split(/[ \t]*,[ \t]*/)
  if (!names.includes('*') && !names.includes(name.toLowerCase())) headers.append('vary', name)
}

/** The Response with one more name in `Vary`. */
export const withVary = (response: Response, name: string): Response =>
  headerOf(response, 'vary') === null
    ? withHeaders(response, [['vary', name]])
    : withHeaders(response, (headers) => addVary(headers, name))
