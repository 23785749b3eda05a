/**
 * Serializes a value as JSON.
 *
 * @throws TypeError if the value, or a value at any depth in it, would silently become `{}` or disappear, such as a `Map`,
 * an `Error` or a typed array. The message has the path of the value.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`JSON cannot represent a ${typeof value}`)
  // Only values that leave one of these traces can have been lost. A flat object is not searched, because that costs more.
  const isFlat = text.startsWith('{"') && text[2] !== '0' && !hasObjects(value)
  if (!isFlat && (text.includes('{}') || text.includes('{"0":'))) rejectLost(value, '', new Set())
  return text
}

// Whether a value has members that are objects, or its own idea of JSON.
function hasObjects(value: unknown): boolean {
  for (const name in value as object) if (typeof (value as Record<string, unknown>)[name] === 'object') return true
  return typeof (value as { toJSON?: unknown }).toJSON === 'function'
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
    throw new TypeError(`JSON cannot represent a ${value.constructor.name}${path && `, found at ${path}`}`)
  for (const name of names) rejectLost((value as Record<string, unknown>)[name], `${path}/${name}`, seen)
}
