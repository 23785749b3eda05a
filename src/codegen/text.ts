/** Lines further in. */
export const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** All lines but the first further in. */
export const indentRest = (text: string): string => text.replace(/\n(?=.)/g, '\n  ')

/** A string literal in single quotes. */
export const quote = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
