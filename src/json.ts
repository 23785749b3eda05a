/**
 * Serializes a value as JSON.
 *
 * @throws TypeError if the value, or a value at any depth in it, would silently become `{}` or disappear, such as a `Map`,
 * an `Error` or a typed array. The message has the path of the value.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`JSON cannot represent ${typeof value}`)
  // Only values that leave one of these traces can have been lost. Most texts have none, and most small ones one `{`.
  const isFlat = !text.includes('{', 1) && text !== '{}' && !text.startsWith('{"0')
  if (!isFlat && (text.includes('{}') || text.includes('{"0":'))) rejectLost(value, '', new Set())
  return text
}

function rejectLost(value: unknown, path: string, seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  const json = (value as { toJSON?: unknown }).toJSON
  if (typeof json === 'function') return rejectLost(json.call(value, ''), path, seen)
  const prototype: unknown = Object.getPrototypeOf(value)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null || Array.isArray(value)
  const names = Object.keys(value)
  if (!isPlain && (!names.length || ArrayBuffer.isView(value) || value instanceof Error))
    throw new TypeError(`JSON cannot represent ${value.constructor.name}${path && `, found at ${path}`}`)
  for (const name of names) rejectLost((value as Record<string, unknown>)[name], `${path}/${name}`, seen)
}
