import { robots } from '../documents/robots.js'
import { sitemap } from '../documents/sitemap.js'
import type { Method } from '../declaration.js'
import { json, text, xml } from '../replies/reply.js'
import type { AnyRoute } from '../route.js'
import { patchFetch } from './fetch.js'
import { mount, type FromNextOptions, type MountedRoute, type RouteModule } from './from-next.js'

export interface FromNextAppOptions extends FromNextOptions {
  /** The folder that the names of the files begin with. @default the part before the first `/app/`, `/src/app/` or `./app/` */
  readonly root?: string
  /**
   * Replaces `globalThis.fetch` with the caching `fetch` of Next.js, for modules that call it. Other code of the process then calls
   * it too; outside of mounted modules it does what the original does.
   * @default false
   */
  readonly patchFetch?: boolean
}

// A manifest has patterns as its names, so its routes are typed. Names of files are known at run time only.
type MountedApp<modules> = {
  readonly [name in keyof modules & `/${string}` as name extends `${string}.${string}` ? never : name]: MountedRoute<
    name & string,
    modules[name] extends object ? Pick<modules[name], keyof modules[name] & Method> : never
  >
}

/**
 * Mounts the route handlers of a Next.js `app` folder: the `route` files, and `sitemap`, `robots`, `manifest`, `icon`, `apple-icon`,
 * `opengraph-image` and `twitter-image`. Route groups, private folders and parallel slots have the same meaning as in Next.js.
 *
 * `modules` is Vite's `import.meta.glob('./app/**' + '/route.ts', { eager: true })`, or the manifest that `byway next` writes.
 *
 * @throws TypeError if a module cannot be mounted. The message names the file.
 * @see https://nextjs.org/docs/app/getting-started/project-structure
 * @example
 * export default router(fromNextApp(import.meta.glob('./app/**' + '/route.ts', { eager: true }), { cache }))
 */
export function fromNextApp<const modules extends { readonly [name: string]: unknown }>(
  modules: modules,
  { root, patchFetch: patches = false, ...options }: FromNextAppOptions = {},
): MountedApp<modules> {
  if (patches) patchFetch()
  const routes: { [name: string]: AnyRoute } = {}
  for (const [file, module] of Object.entries(modules)) {
    if (typeof module === 'function')
      throw new TypeError(`${file} is a function that imports a module; use import.meta.glob(…, { eager: true })`)
    if (typeof module !== 'object' || module === null) throw new TypeError(`${file} is not a module`)
    for (const [pattern, one] of toMounts(file, module as RouteModule, root)) {
      if (routes[pattern]) throw new TypeError(`${file} has the pattern '${pattern}', which another file has too`)
      routes[pattern] = mount(file, pattern, one, options)
    }
  }
  return routes as never
}

/** The patterns of a file, each with the module to mount there. */
function toMounts(
  file: string,
  module: RouteModule,
  root: string | undefined,
): [pattern: string, module: RouteModule][] {
  if (!/\.[cm]?[jt]sx?$/.test(file)) return [[file, module]]
  const { folder, name } = split(file, root)
  const pattern = toPattern(folder)
  if (name === 'route') return [[pattern || '/', module]]
  const special = specials[name.replace(/\d+$/, '')]
  if (!special)
    throw new TypeError(`${file} is not a route handler; mount route, ${Object.keys(specials).join(', ')} files`)
  return special(file, pattern, name, module)
}

function split(file: string, root: string | undefined): { folder: string; name: string } {
  const path = file.replaceAll('\\', '/')
  const inside =
    root !== undefined ? path.slice(path.indexOf(root) + root.length) : path.replace(/^.*?(?:^|\/)(?:src\/)?app\//, '/')
  const [, folder = '', name = ''] = /^(.*?)\/?([^/]+)\.[cm]?[jt]sx?$/.exec(inside) ?? []
  return { folder, name }
}

/**
 * The pattern of a folder below `app`. Returns `undefined` for a private folder, which has no routes.
 *
 * @see https://nextjs.org/docs/app/getting-started/project-structure#route-groups-and-private-folders
 */
export function toPattern(folder: string): string {
  const segments = folder.split('/').filter((segment) => segment !== '' && segment !== '.')
  const hidden = segments.find((segment) => segment.startsWith('_'))
  if (hidden) throw new TypeError(`${folder} is in the private folder ${hidden}; it has no routes`)
  const intercepted = segments.find((segment) => /^\(\.{1,3}\)/.test(segment))
  if (intercepted) throw new TypeError(`${folder} is an intercepting route, which is for pages`)
  return segments
    .filter((segment) => !/^\(.*\)$/.test(segment) && !segment.startsWith('@'))
    .map((segment) => `/${segment.replace(/^%5F/i, '_')}`)
    .join('')
}

type Special = (file: string, pattern: string, name: string, module: RouteModule) => [string, RouteModule][]
type Generate = (input?: object) => unknown

const withGet = (module: RouteModule, GET: (request: Request, context: any) => Promise<Response>): RouteModule => {
  const { default: _default, generateSitemaps: _sitemaps, generateImageMetadata: _images, ...config } = module
  return { dynamic: 'force-static', ...config, GET }
}

function defaultOf(file: string, module: RouteModule): Generate {
  if (typeof module['default'] !== 'function') throw new TypeError(`${file} has no default export that is a function`)
  return module['default'] as Generate
}

const image: Special = (file, pattern, name, module) => {
  const make = defaultOf(file, module)
  const list = module['generateImageMetadata'] as Generate | undefined
  const send = async (input: object, type: unknown): Promise<Response> => {
    const response = await make(input)
    if (response instanceof Response) return response
    return new Response(response as BodyInit, { headers: { 'content-type': String(type ?? 'image/png') } })
  }
  if (!list)
    return [
      [`${pattern}/${name}`, withGet(module, async (_request, { params }) => send({ params }, module['contentType']))],
    ]
  const one = withGet(module, async (_request, { params }) => {
    const { __id: id, ...rest } = (await params) as { __id: string }
    const all = (await list({ params: rest })) as { id: string | number; contentType?: string }[]
    const found = all.find((item) => String(item.id) === id)
    if (!found) return new Response(null, { status: 404 })
    return send(
      { params: Promise.resolve(rest), id: Promise.resolve(found.id) },
      found.contentType ?? module['contentType'],
    )
  })
  return [[`${pattern}/${name}/[__id]`, one]]
}

const specials: { readonly [name: string]: Special } = {
  sitemap(file, pattern, _name, module) {
    const make = defaultOf(file, module)
    const list = module['generateSitemaps'] as Generate | undefined
    if (!list) return [[`${pattern}/sitemap.xml`, withGet(module, async () => xml(sitemap((await make()) as never)))]]
    const part = withGet(module, async (_request, { params }) => {
      const { __id } = (await params) as { __id: string }
      const id = __id.endsWith('.xml') ? __id.slice(0, -4) : undefined
      const found = ((await list()) as { id: string | number }[]).find((item) => String(item.id) === id)
      if (!found) return new Response(null, { status: 404 })
      return xml(sitemap((await make({ id: Promise.resolve(found.id) })) as never))
    })
    return [[`${pattern}/sitemap/[__id]`, part]]
  },
  robots: (file, pattern, _name, module) => {
    const make = defaultOf(file, module)
    return [[`${pattern}/robots.txt`, withGet(module, async () => text(robots((await make()) as never)))]]
  },
  manifest: (file, pattern, _name, module) => {
    const make = defaultOf(file, module)
    const headers = { 'content-type': 'application/manifest+json' }
    return [[`${pattern}/manifest.webmanifest`, withGet(module, async () => json(await make(), { headers }))]]
  },
  icon: image,
  'apple-icon': image,
  'opengraph-image': image,
  'twitter-image': image,
}
