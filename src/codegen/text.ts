/** Indents all lines. */
export const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** Indents all lines but the first. */
export const indentRest = (text: string): string => text.replace(/\n(?=.)/g, '\n  ')

/** Returns a string literal in single quotes. */
export const quote = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

/** The order of a union's members: successes by status, numbers, others, `null`, `undefined`. */
export const compare = (one: string, other: string): number =>
  rankOf(one) - rankOf(other) || Number(one) - Number(other) || (one < other ? -1 : 1)
const rankOf = (text: string): number =>
  text.startsWith('Success<') ? 0 : text === 'null' ? 3 : text === 'undefined' ? 4 : Number.isNaN(Number(text)) ? 2 : 1

/** Escapes the text of a template literal. */
export const escape = (text: string): string =>
  text
    .replace(/[\\`]|\$(?=\{)/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')

/** Returns a property's name as it is declared: quoted if it is not an identifier. */
export const toKey = (name: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : quote(name)

/** Returns a type's name: `'LineItems'` for `'line-items'`. */
export const toTypeName = (name: string): string =>
  name.replace(/^[^A-Za-z]*([A-Za-z]?)|[^A-Za-z0-9]+([A-Za-z0-9]?)/g, (_, one = '', other = '') =>
    `${one}${other}`.toUpperCase(),
  )

/** Returns a doc comment with a line end. */
export function toComment(text: string): string {
  const lines = text.split(/\r?\n/)
  return lines.length === 1
    ? `/** ${lines[0]} */\n`
    : `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}
