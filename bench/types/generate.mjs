// The app that is measured: 1 or 2 params a route, a query or body on half of them, two statuses on a third, a second
// operation on a third, middleware on half. `floor` has the same schemas and plain functions, without byway; with `responses`,
// their results are compared with the input of the schemas, as byway must do. `responses` declares one schema or two for each GET; `layers` puts a cache and a middleware of its own on each route.

const client = (patterns) => `import { createClient } from 'byway/client'
import type { app } from './app.js'
const api = createClient<typeof app>({ baseUrl: 'http://localhost' })
// edit here
${patterns
  .map(
    (
      { pattern, names },
      index,
    ) => `export const call${index} = await api('${pattern}').get({ params: { ${names.map((name) => `${name}: 'x'`).join(', ')} } })
if (call${index}.data) console.log(call${index}.data.id)`,
  )
  .join('\n')}
const hovered = await api('${patterns[3].pattern}').get({ params: { ${patterns[3].names.map((name) => `${name}: 'x'`).join(', ')} } })
console.log(hovered.status)
`

const routeOf = (index) => {
  const names = index % 2 ? ['id', 'part'] : ['id']
  const pattern = `/group${index % 10}/thing${index}/[id]${index % 2 ? '/parts/[part]' : ''}`
  return { pattern, names }
}

function declare(index, { floor, responses, layers }) {
  const { pattern, names } = routeOf(index)
  const value = `{ id: params.id, ${index % 2 ? 'part: params.part, ' : ''}count: ${index}, at: 'now' }`
  const schema = index % 4 === 1 ? 'query' : index % 4 === 3 ? 'body' : undefined
  const zod =
    schema === 'query'
      ? 'z.object({ page: z.coerce.number(), q: z.string().optional() })'
      : 'z.object({ name: z.string(), price: z.number() })'
  const params = `{ ${names.map((name) => `${name}: string`).join(', ')} }`
  const Item = `z.object({ id: z.string(), ${index % 2 ? 'part: z.string(), ' : ''}count: z.number(), at: z.string() })`
  const Missing = 'z.object({ status: z.literal(404), title: z.string().optional() })'
  if (floor) {
    const lines = [`export const get${index} = (request: Request, params: ${params}) => (${value})`]
    if (schema)
      lines.push(
        `export const schema${index} = ${zod}`,
        `export const more${index} = (input: z.output<typeof schema${index}>) => ({ ...input })`,
      )
    if (responses) {
      lines[0] = `export const get${index} = (request: Request, params: ${params}): z.input<typeof response${index}> => (${value})`
      lines.unshift(`export const response${index} = ${Item}`)
    }
    if (responses === 2)
      lines.push(
        `export const missing${index} = ${Missing}`,
        `export const notFound${index} = (): z.input<typeof missing${index}> => ({ status: 404 })`,
      )
    return lines.join('\n')
  }
  const factory = index % 2 ? 'authed' : 'route'
  const handler =
    index % 3
      ? `(request, { params }) => (${value})`
      : `(request, { params }) => (params.id === 'x' ? reply.notFound() : reply.json(${value}))`
  const response =
    responses === 1 ? `response: ${Item}` : responses === 2 ? `response: { 200: ${Item}, 404: ${Missing} }` : ''
  const declared = [schema === 'query' ? `query: ${zod}` : '', response].filter(Boolean).join(', ')
  const get = declared
    ? `.get({ ${declared} }, ${schema === 'query' ? handler.replace('{ params }', '{ params, query }') : handler})`
    : `.get(${handler})`
  const around = layers
    ? `.use(cache({ revalidate: ${index} })).use((request, context, next) => next({ step: ${index} }))`
    : ''
  const post =
    schema === 'body'
      ? `.post({ body: ${zod} }, (request, { body }) => ({ ...body }))`
      : index % 6 === 0
        ? '.delete(() => undefined)'
        : ''
  return `export const thing${index} = ${factory}('${pattern}')${around}${get}${post}`
}

export function generate(size, options = {}) {
  const { floor = false, layers = false } = options
  const files = {
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        strict: true,
        skipLibCheck: true,
        noEmit: true,
        types: [],
        lib: ['es2023', 'dom', 'dom.iterable'],
        paths: {
          byway: ['../../../../dist/index.d.ts'],
          'byway/cache': ['../../../../dist/cache/index.d.ts'],
          'byway/client': ['../../../../dist/client/index.d.ts'],
          'byway/reply': ['../../../../dist/replies/index.d.ts'],
        },
      },
      include: ['*.ts'],
    }),
    'package.json': '{ "type": "module" }',
    'session.ts': floor
      ? 'export {}'
      : `import { middleware, route } from 'byway'
import * as reply from 'byway/reply'
${layers ? "import { createCache } from 'byway/cache'\nexport const cache = createCache()\n" : ''}export const session = middleware(async (request, context, next) => (request.headers.has('authorization') ? next({ user: { id: '1', name: 'a' } }) : reply.unauthorized()))
export const authed = route.use(session)`,
  }
  const names = []
  for (let from = 0; from < size; from += 50) {
    const indexes = Array.from({ length: Math.min(50, size - from) }, (_, at) => from + at)
    names.push(...indexes.map((index) => [`./routes${from}.js`, `thing${index}`]))
    files[`routes${from}.ts`] =
      `import { z } from 'zod'\n${floor ? '' : `import { route } from 'byway'\nimport * as reply from 'byway/reply'\nimport { authed${layers ? ', cache' : ''} } from './session.js'\n`}${indexes.map((index) => declare(index, options)).join('\n')}\n`
  }
  if (floor) return files
  const imports = new Map()
  for (const [file, name] of names) imports.set(file, [...(imports.get(file) ?? []), name])
  files['app.ts'] = `import { router } from 'byway'
${[...imports].map(([file, list]) => `import { ${list.join(', ')} } from '${file}'`).join('\n')}
export const app = router({ ${names.map(([, name]) => name).join(', ')} })`
  // Calls without a query: a schema's own part of the cost is not what is measured.
  const callable = Array.from({ length: size }, (_, index) => index).filter((index) => index % 4 !== 1)
  files['client.ts'] = client(
    Array.from({ length: 20 }, (_, at) => routeOf(callable[Math.floor((at * callable.length) / 20)])),
  )
  return files
}
