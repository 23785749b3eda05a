interface Props {
  readonly [name: string]: unknown
}

/**
 * Calls the components of an element, and returns the tree of HTML elements that they make.
 *
 * @throws TypeError if a component is a class, or an element has an image from the network.
 */
export async function expand(node: unknown): Promise<unknown> {
  const value = await node
  if (Array.isArray(value)) return Promise.all(value.map(expand))
  if (typeof value !== 'object' || value === null || !('type' in value)) return value
  const { type, props = {} } = value as { readonly type: unknown; readonly props?: Props }
  if (typeof type === 'function') {
    if ((type.prototype as { isReactComponent?: unknown } | undefined)?.isReactComponent)
      throw new TypeError(`ImageResponse takes components that are functions, not the class ${type.name}`)
    return expand((type as (props: Props) => unknown)(props))
  }
  const children = await expand(props['children'])
  // A fragment.
  if (typeof type !== 'string') return children
  checkSources(type, props)
  return { ...value, props: { ...props, children } }
}

// satori would request them: an address from user input could be one of this server's own network.
function checkSources(type: string, props: Props): void {
  const sources = type === 'a' ? [] : [props['src'], props['href'], props['xlinkHref'], props['xlink:href']]
  for (const source of sources) if (typeof source === 'string') checkSource(source)
  const {
    style = {},
    tw = '',
    src: _src,
    href: _href,
    children: _children,
    ...attributes
  } = props as {
    readonly style?: Props
  } & Props
  for (const value of [...Object.values(style), ...Object.values(attributes), tw])
    if (typeof value === 'string') for (const [, url] of value.matchAll(/url\(\s*["']?([^"')]*)/gi)) checkSource(url!)
}

/** Returns the source of an image. @throws TypeError if it is not a data URL or a part of the image itself. */
export function checkSource(source: string): string {
  if (/^(?:data:|#)/.test(source)) return source
  throw new TypeError(
    `ImageResponse loads nothing over the network; pass the image as a data URL or an ArrayBuffer instead of ${JSON.stringify(source.slice(0, 100))}`,
  )
}
