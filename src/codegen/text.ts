/** Lines further in. */
export const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** All lines but the first further in. */
export const indentRest = (text: string): string => text.replace(/\n(?=.)/g, '\n  ')

/** A string literal in single quotes. */
export const quote = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

/** The order of a union's members: answers by status, numbers, others, and what is absent last. */
export const compare = (one: string, other: string): number =>
  rankOf(one) - rankOf(other) || Number(one) - Number(other) || (one < other ? -1 : 1)
const rankOf = (text: string): number =>
  text.startsWith('Success<') ? 0 : text === 'null' ? 3 : text === 'undefined' ? 4 : Number.isNaN(Number(text)) ? 2 : 1

/** What stands between the backticks of a template literal. */
export const escape = (text: string): string =>
  text
    .replace(/[\\`]|\$(?=\{)/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')

/** The name of a property as it is declared. */
export const toKey = (name: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : quote(name)

/** `'line-items'` gives `'LineItems'`. */
export const toTypeName = (name: string): string =>
  name.replace(/^[^A-Za-z]*([A-Za-z]?)|[^A-Za-z0-9]+([A-Za-z0-9]?)/g, (_, one = '', other = '') =>
    `${one}${other}`.toUpperCase(),
  )

/** A doc comment, and the end of its line. */
export function toComment(text: string): string {
  const lines = text.split(/\r?\n/)
  return lines.length === 1
    ? `/** ${lines[0]} */\n`
    : `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}
