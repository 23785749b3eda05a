type Check = 'object' | 'function' | 'string' | 'boolean' | ((value: unknown) => boolean)

/**
 * Checks options: unknown names and invalid values.
 *
 * @throws an error of the given class that names the option.
 */
export function checkOptions(
  call: string,
  options: object,
  checks: { readonly [name: string]: Check },
  ErrorClass: new (message: string) => Error,
): void {
  if (typeof options !== 'object' || options === null) throw new ErrorClass(`${call} takes an object, not ${typeof options}`)
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name]! : undefined
    if (!check) throw new ErrorClass(`${call} has no option '${name}'; use ${Object.keys(checks).join(', ')}`)
    const isValid = typeof check === 'function' ? check(value) : typeof value === check && value !== null
    if (value !== undefined && !isValid)
      throw new ErrorClass(`${call} has an invalid '${name}': ${JSON.stringify(value) ?? typeof value}`)
  }
}
