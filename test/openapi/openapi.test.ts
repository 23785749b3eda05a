import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { bytes, form, middleware, problems, type Operation, route, router, stream, text } from '../../src/index.js'
import { timeout } from '../../src/middleware/index.js'
import * as reply from '../../src/replies/index.js'
import { openapi, OpenApiError, type OpenApiOptions, type OpenApiRequestBody } from '../../src/openapi/index.js'
import { app, options } from './fixtures.js'

const info = { title: 'Test', version: '1' }

/** Returns the document of an app with these routes, and its warnings. */
function documentOf(routes: object, settings: object = {}, rest: Partial<OpenApiOptions> = {}) {
  const warnings: string[] = []
  const document = openapi(router(routes, settings), { info, onWarning: (message) => warnings.push(message), ...rest })
  return { ...document, warnings, schemas: document.components.schemas }
}

/** Returns the document of an app with one operation, and the operation. */
function operationOf(operation: Operation, method: 'get' | 'post' | 'put' = 'post') {
  const document = documentOf({ a: (route('/a') as any)[method](operation, () => reply.json({} as never)) })
  return { ...document, ...document.paths['/a']![method]! }
}

// `any`, because tests read single properties of the schema.
const json = ({ requestBody }: { requestBody?: OpenApiRequestBody | undefined }): any =>
  requestBody!.content['application/json']!.schema

const nothing = (): undefined => undefined
const pass = (openapi: object) => middleware({ openapi }, (_request, _context, next) => next())

describe('openapi()', () => {
  it('describes an app with the title, servers and tags in the options', () => {
    const document = openapi(app, options)
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: options.info,
      servers: options.servers,
      tags: options.tags,
    })
    expect(documentOf({ a: route('/a').get(nothing) })).toMatchObject({ servers: [{ url: '/' }], warnings: [] })
  })

  it('converts schemas only when it is called', async () => {
    const schema = z.object({ a: z.string() })
    const input = vi.spyOn(schema['~standard'].jsonSchema!, 'input')
    const output = vi.spyOn(schema['~standard'].jsonSchema!, 'output')
    const routes = { a: route('/a').put({ body: text(z.string()), response: schema }, () => ({ a: 'b' })) }
    const own = router(routes)
    await own.fetch(new Request('http://test/a', { method: 'PUT', body: 'a' }))
    expect([input.mock.calls.length, output.mock.calls.length]).toEqual([0, 0])
    openapi(own, { info })
    expect([input.mock.calls.length, output.mock.calls.length]).toEqual([0, 1])
  })

  it('returns a document that shares no object with the routes', () => {
    const tags = ['a']
    const own = router({ a: route('/a').get({ openapi: { tags } }, nothing) })
    openapi(own, { info }).paths['/a']!.get!.tags!.push('b')
    expect(tags).toEqual(['a'])
    expect(openapi(own, { info }).paths['/a']!.get!.tags).toEqual(['a'])
  })

  it('throws for anything but an app, and for missing or unknown options', () => {
    expect(() => openapi({} as never, { info })).toThrow(
      'openapi() takes an app: the return value of router(), or context.app',
    )
    expect(() => openapi(app, {} as never)).toThrow("the OpenAPI document needs info: { title: '…', version: '…' }")
    expect(() => openapi(app, { info, server: [] } as never)).toThrow(
      "the OpenAPI document has no option 'server'; use info, servers",
    )
  })

  it('calls console.warn by default', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    openapi(router({ a: route('/a').query(nothing) }), { info })
    expect(warn.mock.calls).toEqual([[expect.stringContaining('QUERY /a')]])
    warn.mockRestore()
  })
})

describe('openapi(): paths', () => {
  const pathsOf = (patterns: readonly string[], settings: object = {}) => {
    const routes = Object.fromEntries(
      patterns.map((pattern, index) => [`r${index}`, route(pattern as '/a').get(nothing)]),
    )
    const { paths, warnings } = documentOf(routes, settings)
    return { paths: Object.keys(paths), warnings }
  }

  it('converts params to braces, below the basePath', () => {
    expect(pathsOf(['/', '/items/[slug]', '/files/[...path]']).paths).toEqual(['/', '/items/{slug}', '/files/{path}'])
    expect(pathsOf(['/', '/items/[slug]'], { basePath: '/api/v1' }).paths).toEqual(['/api/v1', '/api/v1/items/{slug}'])
  })

  it('percent-encodes static segments', () => {
    expect(pathsOf(['/a%20b/%7Bc%7D/d%2Fe/f@g:h']).paths).toEqual(['/a%20b/%7Bc%7D/d%2Fe/f@g:h'])
  })

  it('describes an optional catch-all as two paths with different operation ids', () => {
    const { paths } = documentOf({ docs: route('/docs/[[...page]]').get(nothing) })
    expect(paths['/docs']!.get).toEqual({ operationId: 'getDocs', responses: expect.anything() })
    expect(paths['/docs/{page}']!.get).toMatchObject({
      operationId: 'getDocsWithPage',
      parameters: [{ name: 'page', in: 'path', required: true, schema: { type: 'string' }, 'x-byway-catch-all': true }],
    })
  })

  it('leaves out a catch-all that OpenAPI cannot distinguish from a param, with a warning', () => {
    expect(pathsOf(['/files/[...path]', '/files/[name]', '/docs/[[...page]]', '/docs/[id]'])).toEqual({
      paths: ['/files/{name}', '/docs', '/docs/{id}'],
      warnings: [
        "/files/[...path]: left out of the document at /files/{path}, because OpenAPI cannot distinguish it from '/files/[name]'",
        "/docs/[[...page]]: left out of the document at /docs/{page}, because OpenAPI cannot distinguish it from '/docs/[id]'",
      ],
    })
  })

  it('includes the catch-all if the other route is hidden', () => {
    const { paths, warnings } = documentOf({
      rest: route('/files/[...path]').get(nothing),
      one: route('/files/[name]').get({ openapi: { hidden: true } }, nothing),
    })
    expect([Object.keys(paths), warnings]).toEqual([['/files/{path}'], []])
  })

  it('lists declared methods, but not the implicit HEAD of a GET, nor QUERY, which OpenAPI 3.1 lacks', () => {
    const { paths, warnings } = documentOf({
      a: route('/a').get(nothing).options(nothing).query(nothing),
      b: route('/b').head(nothing),
      c: route('/c').query({ openapi: { hidden: true } }, nothing),
    })
    expect(Object.entries(paths).map(([path, item]) => [path, Object.keys(item)])).toEqual([
      ['/a', ['get', 'options']],
      ['/b', ['head']],
    ])
    expect(warnings).toEqual(['QUERY /a: left out of the document, because OpenAPI 3.1 does not have this method'])
  })
})

describe('openapi(): operations', () => {
  const idsOf = (routes: object) =>
    Object.values(documentOf(routes).paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId))

  it('have ids from their method and the names in router()', () => {
    const item = route('/a').get(nothing).delete(nothing)
    expect(idsOf({ item })).toEqual(['getItem', 'deleteItem'])
    expect(idsOf({ users: { me: route('/me').get(nothing), 'reset-password': route('/r').post(nothing) } })).toEqual([
      'getUsersMe',
      'postUsersResetPassword',
    ])
    const module = Object.defineProperty({ default: route('/d').get(nothing) }, Symbol.toStringTag, { value: 'Module' })
    expect(idsOf({ orders: module })).toEqual(['getOrders'])
    expect(idsOf({ a: route('/a').get({ openapi: { operationId: 'list_all.v1' } }, nothing) })).toEqual(['list_all.v1'])
  })

  it('have ids that are valid identifiers', () => {
    expect(idsOf({ "a'] = x; //": route('/a').get(nothing) })).toEqual(['getAX'])
    const named = route('/a').get({ openapi: { operationId: 'a() {}' } }, nothing)
    expect(() => documentOf({ named })).toThrow(
      new OpenApiError("GET /a: the operationId 'a() {}' can contain only letters, digits and _ . ~ -"),
    )
  })

  it('throw for an unknown note', () => {
    const notes = { 'x-team': 'shop', operationID: 'a' }
    expect(() => documentOf({ a: route('/a').get({ openapi: notes }, nothing) })).toThrow(
      /^GET \/a: openapi has no note 'operationID'; use summary, .*, or x-…$/,
    )
  })

  it('throw for a duplicate operationId', () => {
    const both = { 'a-b': route('/one').get(nothing), aB: route('/two').get(nothing) }
    expect(() => documentOf(both)).toThrow(
      new OpenApiError(
        "GET /one and GET /two both have the operationId 'getAB'; give one of them openapi: { operationId }",
      ),
    )
  })

  it('contain the notes of the openapi option', () => {
    const notes = {
      summary: 'S',
      description: 'D',
      tags: ['t'],
      deprecated: true,
      externalDocs: { url: 'https://a.example' },
    }
    expect(operationOf({ openapi: notes })).toMatchObject(notes)
    expect(operationOf({ openapi: { deprecated: false } })).not.toHaveProperty('deprecated')
  })
})

describe('openapi(): notes', () => {
  const list = { tea: { summary: 'Tea', value: { name: 'tea' } }, milk: { value: { name: 'milk' } } }

  it('have examples of the body and the responses, by name', () => {
    const Item = z.object({ name: z.string() })
    const { requestBody, responses } = operationOf({
      body: Item,
      response: { 201: Item, 409: z.object({ taken: z.string() }) },
      openapi: {
        body: { description: 'The item.', examples: list },
        responses: {
          201: { examples: list },
          409: { examples: { tea: { value: { taken: 'tea' } } } },
          204: { examples: list },
        },
      },
    })
    expect(requestBody).toMatchObject({
      description: 'The item.',
      content: { 'application/json': { examples: list, schema: { type: 'object' } } },
    })
    expect(responses[201]!.content!['application/json']!.examples).toEqual(list)
    expect(responses[409]!.content!['application/json']!.examples).toEqual({ tea: { value: { taken: 'tea' } } })
    expect(responses[204]).toEqual({ description: 'No Content' })
    const upload = operationOf({ body: form(z.object({ a: z.string() })), openapi: { body: { examples: list } } })
    for (const media of Object.values(upload.requestBody!.content)) expect(media.examples).toEqual(list)
  })

  it('have cookies and extensions', () => {
    const operation = operationOf({
      query: z.object({ a: z.string() }),
      openapi: {
        cookies: { session: 'The id.', theme: { schema: z.enum(['light', 'dark']), required: true, deprecated: true } },
        'x-rate-limit': { perMinute: 5 },
        'x-internal': false,
      },
    })
    expect(operation.parameters!.slice(1)).toEqual([
      { name: 'session', in: 'cookie', description: 'The id.', schema: { type: 'string' } },
      {
        name: 'theme',
        in: 'cookie',
        required: true,
        deprecated: true,
        schema: { type: 'string', enum: ['light', 'dark'] },
      },
    ])
    expect(operation).toMatchObject({ 'x-rate-limit': { perMinute: 5 }, 'x-internal': false })
    expect(Object.keys(operationOf({}))).not.toContainEqual(expect.stringMatching(/^x-/))
  })
})

describe('openapi(): parameters', () => {
  it('of a path have the input type of the params schema, else string', () => {
    const { paths } = documentOf({
      a: route('/a/[x]').get(nothing),
      b: route('/b/[x]/[...y]', {
        params: z.object({ x: z.coerce.number<string>().min(1).describe('X'), y: z.array(z.string()).describe('Y') }),
      }).get(nothing),
    })
    expect(paths['/a/{x}']!.get!.parameters).toEqual([
      { name: 'x', in: 'path', required: true, schema: { type: 'string' } },
    ])
    expect(paths['/b/{x}/{y}']!.get!.parameters).toEqual([
      { name: 'x', in: 'path', description: 'X', required: true, schema: { type: 'number', minimum: 1 } },
      {
        name: 'y',
        in: 'path',
        description: expect.stringMatching(/^Y\n\nOne or more segments/),
        required: true,
        schema: { type: 'string' },
        'x-byway-catch-all': true,
      },
    ])
  })

  it('of a query have the input types of its schema', () => {
    const { parameters } = operationOf({
      query: z.object({
        page: z.coerce.number<string>().int().default(1),
        tag: z.array(z.string()).describe('Several.'),
        old: z
          .string()
          .optional()
          .meta({ deprecated: true, examples: ['a'] }),
        on: z.coerce.date<string>().optional(),
      }),
    })
    expect(parameters).toEqual([
      { name: 'page', in: 'query', schema: { type: 'integer', default: 1 } },
      {
        name: 'tag',
        in: 'query',
        description: 'Several.',
        required: true,
        schema: { type: 'array', items: { type: 'string' } },
      },
      { name: 'old', in: 'query', deprecated: true, schema: { type: 'string', examples: ['a'] } },
      { name: 'on', in: 'query', schema: { type: 'string', format: 'date-time' } },
    ])
  })

  it('of a query are the properties of intersections, unions and named schemas', () => {
    const namesOf = (query: z.ZodType) =>
      operationOf({ query }).parameters!.map(({ name, required = false, schema }) => [name, required, schema])
    const a = z.object({ a: z.string(), c: z.literal('x') })
    const b = z.object({ b: z.string().optional(), c: z.literal('y') })
    const text = { type: 'string' }
    const x = { type: 'string', const: 'x' }
    const y = { type: 'string', const: 'y' }
    expect(namesOf(z.intersection(a, b))).toEqual([
      ['a', true, text],
      ['c', true, { allOf: [x, y] }],
      ['b', false, text],
    ])
    expect(namesOf(z.discriminatedUnion('c', [a, b]))).toEqual([
      ['a', false, text],
      ['c', true, { anyOf: [x, y] }],
      ['b', false, text],
    ])
    const named = operationOf({ query: a.meta({ id: 'Filter' }) })
    expect(named.parameters!.map(({ name }) => name)).toEqual(['a', 'c'])
    expect(named.schemas).not.toHaveProperty('Filter')
  })

  it('of a query without known properties are one exploded object', () => {
    expect(operationOf({ query: z.record(z.string(), z.string()) }).parameters).toEqual([
      expect.objectContaining({
        in: 'query',
        style: 'form',
        explode: true,
        schema: expect.objectContaining({ type: 'object' }),
      }),
    ])
    expect(operationOf({ query: z.object({}) })).not.toHaveProperty('parameters')
  })

  it('of headers do not include Accept, Authorization and Content-Type', () => {
    const headers = z.object({
      'x-a': z.string(),
      accept: z.string(),
      authorization: z.string(),
      'content-type': z.string(),
    })
    expect(operationOf({ headers }).parameters).toEqual([
      { name: 'x-a', in: 'header', required: true, schema: { type: 'string' } },
    ])
  })
})

describe('openapi(): request bodies', () => {
  const bodyOf = (operation: Operation) => operationOf(operation).requestBody!

  it('describe JSON, forms, text, bytes and streams', () => {
    const a = z.object({ a: z.string() })
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
    const binary = { type: 'string', format: 'binary' }
    expect(bodyOf({ body: a }).content).toEqual({ 'application/json': { schema } })
    expect(bodyOf({ body: form(a) }).content).toEqual({
      'application/x-www-form-urlencoded': { schema },
      'multipart/form-data': { schema },
    })
    expect(bodyOf({ body: text(z.string().max(3)) }).content).toEqual({
      '*/*': { schema: { type: 'string', maxLength: 3 } },
    })
    expect(bodyOf({ body: bytes(z.instanceof(Uint8Array)) }).content).toEqual({ '*/*': { schema: binary } })
    expect(bodyOf({ body: stream('video/*') }).content).toEqual({ 'video/*': { schema: binary } })
  })

  it('are required if the schema rejects a missing body', () => {
    const isRequired = (operation: Operation) => bodyOf(operation).required
    expect(isRequired({ body: z.string() })).toBe(true)
    expect(isRequired({ body: z.string().optional() })).toBe(false)
    expect(
      isRequired({
        body: z
          .string()
          .optional()
          .refine(async () => true),
      }),
    ).toBe(true)
    expect(isRequired({ body: form(z.object({ a: z.string().optional() })) })).toBe(false)
    expect(isRequired({ body: form(zfd.formData({ a: zfd.text() })) })).toBe(true)
    expect(isRequired({ body: text(z.string()) })).toBe(false)
    expect(isRequired({ body: text(z.string().min(1)) })).toBe(true)
    expect(isRequired({ body: bytes(z.instanceof(Uint8Array)) })).toBe(false)
    expect(isRequired({ body: stream('*/*') })).toBe(false)
    expect(isRequired({ body: stream('video/*') })).toBe(true)
  })

  it.each([
    ['zod', z.object({ file: z.file().mime('image/png'), files: z.array(z.file()), alt: z.string() })],
    [
      'zod-form-data',
      zfd.formData({
        file: zfd.file(z.file().mime('image/png')),
        files: zfd.repeatableOfType(zfd.file()),
        alt: zfd.text(),
      }),
    ],
  ])('allow only multipart for a %s form with files', (_name, fields) => {
    const { content } = bodyOf({ body: form(fields) })
    expect(Object.keys(content)).toEqual(['multipart/form-data'])
    const { schema, encoding } = content['multipart/form-data']!
    const file = { type: 'string', format: 'binary' }
    expect(schema).toMatchObject({
      properties: { file: { ...file, contentMediaType: 'image/png' }, files: { type: 'array', items: file } },
    })
    expect(JSON.stringify(schema)).not.toContain('contentEncoding')
    expect(encoding).toEqual({ file: { contentType: 'image/png' }, files: { contentType: '*/*' } })
  })

  it('have the media types of files in the encoding, and arrays as repeated fields', () => {
    const fields = z.object({
      photo: z.file().mime(['image/png', 'image/jpeg']),
      tag: z.array(z.string()),
      size: z.array(z.coerce.number()).optional(),
      alt: z.string(),
    })
    const list = { style: 'form', explode: true }
    const { content } = bodyOf({ body: form(fields) })
    expect(content['multipart/form-data']).toMatchObject({
      schema: { properties: { photo: { type: 'string', format: 'binary' } } },
      encoding: { photo: { contentType: 'image/png, image/jpeg' }, tag: list, size: list },
    })
    expect(content['multipart/form-data']!.schema!['properties']).not.toHaveProperty('photo.anyOf')
    const { encoding } = bodyOf({ body: form(fields.omit({ photo: true })) }).content[
      'application/x-www-form-urlencoded'
    ]!
    expect(encoding).toEqual({ tag: list, size: list })
    expect(bodyOf({ body: form(z.object({ alt: z.string() })) }).content['multipart/form-data']).not.toHaveProperty(
      'encoding',
    )
  })

  it('of forms leave out alternatives that a form cannot contain', () => {
    const fieldsOf = (schema: z.ZodType): any =>
      bodyOf({ body: form(schema) }).content['multipart/form-data']!.schema!['properties']
    expect(fieldsOf(zfd.formData({ agree: zfd.checkbox(), yes: zfd.checkbox({ trueValue: 'yes' }) }))).toEqual({
      agree: { type: 'string', const: 'on' },
      yes: { type: 'string', const: 'yes' },
    })
    expect(fieldsOf(z.object({ a: z.union([z.string(), z.undefined(), z.number()]), b: z.undefined() }))).toEqual({
      a: { type: 'string' },
    })
    const body = z.object({ a: z.union([z.string(), z.undefined(), z.number()]) })
    expect(json(operationOf({ body })).properties).toEqual({ a: { anyOf: [{ type: 'string' }, { type: 'number' }] } })
  })

  it('list the fields of a form with the names that clients send', () => {
    const document = operationOf({
      body: form(
        zfd.formData({
          a: z.object({ b: zfd.text(), c: z.object({ d: zfd.text(z.string().optional()) }) }),
          list: z.array(z.object({ e: zfd.text() })),
        }),
      ),
    })
    const { schema } = document.requestBody!.content['multipart/form-data']!
    expect(Object.keys(schema!['properties'] as object)).toEqual(['a.b', 'a.c.d', 'list'])
    expect(schema!['required']).toEqual(['a.b', 'list'])
    expect(document.warnings).toEqual([expect.stringContaining('list[0].…')])
  })

  it('add the statuses that byway sends for invalid input', () => {
    const statusesOf = (operation: Operation) => Object.keys(operationOf(operation).responses)
    expect(statusesOf({})).toEqual(['2XX'])
    expect(statusesOf({ query: z.object({}) })).toEqual(['400', '2XX'])
    expect(statusesOf({ headers: z.object({}) })).toEqual(['400', '2XX'])
    expect(statusesOf({ body: z.string() })).toEqual(['400', '413', '415', '2XX'])
    expect(statusesOf({ body: form(z.object({})) })).toEqual(['400', '413', '415', '2XX'])
    expect(statusesOf({ body: text(z.string()) })).toEqual(['400', '413', '2XX'])
    expect(statusesOf({ body: bytes(z.any()) })).toEqual(['400', '413', '2XX'])
    expect(statusesOf({ body: stream('video/*') })).toEqual(['413', '415', '2XX'])
    expect(statusesOf({ body: stream('*/*') })).toEqual(['413', '2XX'])
    const { paths } = documentOf({ a: route('/[a]', { params: z.object({ a: z.string() }) }).get(nothing) })
    expect(Object.keys(paths['/{a}']!.get!.responses)).toEqual(['404', '2XX'])
  })
})

describe('openapi(): responses', () => {
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  const text = { type: 'string' }

  it('are an undescribed 2XX if no success is declared', () => {
    expect(operationOf({}).responses).toEqual({ '2XX': { description: 'Success. The content is not declared.' } })
    const { responses } = operationOf({ response: { 404: z.object({ a: z.string() }) } })
    expect(Object.keys(responses)).toEqual(['404', '2XX'])
  })

  it('have the output types of their schemas, by status', () => {
    const { responses } = operationOf({
      response: {
        200: z.object({ a: z.string().default('b') }).describe('All of it.'),
        201: z.array(z.codec(z.string(), z.number(), { decode: Number, encode: String })),
        204: z.undefined(),
      },
    })
    expect(responses).toEqual({
      200: {
        description: 'All of it.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              description: 'All of it.',
              properties: { a: { type: 'string', default: 'b' } },
              required: ['a'],
            },
          },
        },
      },
      201: {
        description: 'Created',
        content: { 'application/json': { schema: { type: 'array', items: { type: 'number' } } } },
      },
      204: { description: 'No Content' },
    })
  })

  it('have all media types that a handler can send for the schema', () => {
    const typesOf = (status: number, schema: z.ZodType) =>
      Object.keys(operationOf({ response: { [status]: schema } }).responses[status]!.content!)
    expect(typesOf(200, z.object({}))).toEqual(['application/json'])
    expect(typesOf(200, z.string())).toEqual(['application/json', 'text/plain'])
    expect(typesOf(404, z.object({ sorry: z.string() }))).toEqual(['application/json', 'application/problem+json'])
    expect(typesOf(404, z.object({ status: z.literal(404) }))).toEqual(['application/problem+json'])
  })

  it('are described by the phrase of their status, or of its class', () => {
    const statuses = [207, 305, 402, 406, 418, 421, 428, 431, 451, 506, 511, 299, 499]
    const { responses } = operationOf({
      openapi: { responses: Object.fromEntries(statuses.map((status) => [status, {}])) },
    })
    expect(statuses.map((status) => responses[status]!.description)).toEqual([
      'Multi-Status',
      'Use Proxy',
      'Payment Required',
      'Not Acceptable',
      "I'm a Teapot",
      'Misdirected Request',
      'Precondition Required',
      'Request Header Fields Too Large',
      'Unavailable For Legal Reasons',
      'Variant Also Negotiates',
      'Network Authentication Required',
      'Success',
      'Client Error',
    ])
  })

  it('have the declared media type instead of the default ones', () => {
    const contentOf = (status: number, schema: z.ZodType, note: object) =>
      operationOf({ response: { [status]: schema }, openapi: { responses: { [status]: note } } }).responses[status]!
        .content
    expect(contentOf(200, z.string(), { mediaType: 'text/csv' })).toEqual({ 'text/csv': { schema: text } })
    expect(contentOf(200, z.file(), { mediaType: 'image/png' })).toEqual({
      'image/png': { schema: { ...text, format: 'binary' } },
    })
    const own = { mediaType: 'application/hal+json', schema: z.array(z.string()) }
    expect(contentOf(200, z.object({}), own)).toEqual({
      'application/hal+json': { schema: { type: 'array', items: text } },
    })
    const sorry = z.object({ sorry: z.string() })
    expect(Object.keys(contentOf(404, sorry, { mediaType: 'text/html' })!)).toEqual(['text/html'])
    const { responses } = operationOf({
      body: z.string(),
      response: { 400: sorry },
      openapi: { responses: { 400: { mediaType: 'application/json' } } },
    })
    expect(Object.keys(responses[400]!.content!)).toEqual(['application/json', 'application/problem+json'])
  })

  it('have the format and the statuses of problems()', async () => {
    const Failure = z.object({ message: z.string(), fields: z.array(z.string()).optional() })
    const format = problems({
      schema: Failure,
      statuses: { 400: 422 },
      toBody: ({ title = 'Error', errors }) => ({
        message: title,
        ...(errors && { fields: errors.map((one) => one.pointer) }),
      }),
    })
    const routes = {
      a: route('/a/[id]', { params: z.object({ id: z.string() }) })
        .use(pass({ responses: { 401: 'Not signed in.' } }))
        .post(
          {
            body: z.object({ n: z.number() }),
            response: { 201: z.object({}), 409: z.object({ taken: z.string() }) },
            openapi: { responses: { 400: 'Not valid.', 404: { mediaType: 'text/html' } } },
          },
          () => reply.json({}, { status: 201 }),
        ),
    }
    const own = router(routes, { problems: format })
    const document = openapi(own, { info })
    const { responses } = document.paths['/a/{id}']!.post!
    const json = { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } }
    expect(responses).toMatchObject({
      401: { description: 'Not signed in.', content: json },
      413: { content: json },
      415: { content: json },
      422: { description: 'Not valid.', content: json },
    })
    expect(responses[404]!.content).toEqual({ ...json, 'text/html': { schema: text } })
    expect(responses[409]!.content!['application/json']!.schema!['anyOf']).toEqual([
      expect.objectContaining({ required: ['taken'] }),
      json['application/json'].schema,
    ])
    expect(responses).not.toHaveProperty('400')
    expect(JSON.stringify(document)).not.toContain('problem+json')
    expect(document.components.schemas).toEqual({
      Problem: expect.objectContaining({
        required: ['message'],
        properties: expect.objectContaining({ message: text }),
      }),
    })
    const request = new Request('http://test/a/1', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    const sent = await own.fetch(request)
    expect([sent.status, sent.headers.get('content-type'), await sent.json()]).toEqual([
      422,
      'application/json',
      { message: 'Bad Request', fields: ['/n'] },
    ])
  })

  it('use the component name of the problems() schema, if it has one', () => {
    const Failure = z.object({ message: z.string() }).meta({ id: 'Failure' })
    const format = problems({ schema: Failure, toBody: () => ({ message: '' }) })
    const { schemas } = documentOf({ a: route('/a').post({ body: z.string() }, nothing) }, { problems: format })
    expect(Object.keys(schemas)).toEqual(['Failure'])
  })

  it('contain the notes of the operation, with headers and media types', () => {
    const { responses } = operationOf({
      response: { 201: z.object({ a: z.string() }) },
      openapi: {
        responses: {
          200: { description: 'A picture.', mediaType: 'image/png' },
          201: { headers: { location: 'Where it is.', 'x-count': { schema: z.number() } } },
          202: { mediaType: 'text/csv' },
          206: { mediaType: 'text/event-stream', schema: z.object({ n: z.number() }) },
          303: 'Elsewhere.',
          409: 'Taken.',
          410: { mediaType: 'application/json' },
        },
      },
    })
    const n = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
    expect(responses).toEqual({
      200: { description: 'A picture.', content: { 'image/png': { schema: { ...text, format: 'binary' } } } },
      201: {
        description: 'Created',
        headers: { location: { description: 'Where it is.', schema: text }, 'x-count': { schema: { type: 'number' } } },
        content: { 'application/json': { schema: expect.objectContaining({ type: 'object' }) } },
      },
      202: { description: 'Accepted', content: { 'text/csv': { schema: text } } },
      206: { description: 'Partial Content', content: { 'text/event-stream': { schema: n } } },
      303: { description: 'Elsewhere.' },
      409: { description: 'Taken.', content: problem },
      410: { description: 'Gone', content: { 'application/json': {} } },
    })
  })

  it('contain the 503 of timeout()', () => {
    const { paths } = documentOf({ a: route('/a').get(nothing).use(timeout(1_000)).post(nothing) })
    expect(paths['/a']!.post!.responses[503]).toEqual({ description: 'The response took too long.', content: problem })
    expect(paths['/a']!.get!.responses).not.toHaveProperty('503')
  })

  it('contain the notes of all middleware', () => {
    const factory = route.use(pass({ responses: { 401: 'Who?', 302: 'To the login.' } }))
    const { paths } = documentOf(
      {
        a: factory('/a')
          .use(
            pass({
              responses: { 401: 'Expired.', 402: { description: 'Pay.', schema: z.object({ price: z.number() }) } },
            }),
          )
          .get({ response: { 401: z.object({ why: z.string() }) } }, nothing as never)
          .post({ openapi: { responses: { 401: 'Go away.' } } }, nothing),
        b: route('/b').get(nothing),
      },
      { use: [pass({ responses: { 429: 'Too fast.' } })] },
    )
    const price = { type: 'object', properties: { price: { type: 'number' } }, required: ['price'] }
    const why = { type: 'object', properties: { why: text }, required: ['why'] }
    const { schema } = problem['application/problem+json']
    const gap = { '2XX': { description: 'Success. The content is not declared.' } }
    const around = { 302: { description: 'To the login.' }, 429: { description: 'Too fast.', content: problem } }
    const pay = { 402: { description: 'Pay.', content: { 'application/problem+json': { schema: price } } } }
    expect(paths['/a']!.get!.responses).toEqual({
      ...around,
      ...pay,
      ...gap,
      401: {
        description: 'Who?\n\nExpired.',
        content: {
          'application/json': { schema: why },
          'application/problem+json': { schema: { anyOf: [why, schema] } },
        },
      },
    })
    expect(paths['/a']!.post!.responses).toEqual({
      ...around,
      ...pay,
      ...gap,
      401: { description: 'Go away.', content: problem },
    })
    expect(paths['/b']!.get!.responses).toEqual({ 429: around[429], ...gap })
  })

  it('include byway’s own 400 with its errors, with the description of the notes', () => {
    const { responses, schemas } = operationOf({
      body: z.string(),
      bodyLimit: 9,
      openapi: { responses: { 400: 'Not so.' } },
    })
    expect(responses).toMatchObject({
      400: {
        description: 'Not so.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/InvalidInput' } } },
      },
      413: { description: 'The body is larger than 9 bytes.', content: problem },
      415: { description: 'The body must be application/json.', content: problem },
    })
    expect(schemas['InvalidInput']).toMatchObject({
      allOf: [
        { $ref: '#/components/schemas/Problem' },
        { properties: { errors: { items: { $ref: '#/components/schemas/InputError' } } } },
      ],
    })
  })

  it('to HEAD have no content', () => {
    const { paths } = documentOf({
      a: route('/a').head({ response: z.string(), query: z.object({}) }, nothing as never),
    })
    expect(paths['/a']!.head!.responses).toEqual({
      200: { description: 'OK' },
      400: { description: 'The input is not valid.' },
    })
  })
})

describe('openapi(): security', () => {
  const schemes = {
    a: { type: 'http', scheme: 'basic' },
    b: { type: 'mutualTLS' },
    c: { type: 'http', scheme: 'bearer' },
  }
  const demand = (...security: object[]) => pass({ security, securitySchemes: schemes })

  it('combines the requirements of all middleware', () => {
    const { paths, components } = documentOf(
      {
        a: route('/a')
          .get(nothing)
          .use(demand({ a: ['x'] }, { b: [] }))
          .post(nothing)
          .use(demand({ a: ['x', 'y'], c: [] }))
          .put(nothing),
        open: route('/open')
          .use(demand({ a: [] }))
          .get({ openapi: { security: [] } }, nothing),
      },
      {},
    )
    expect(paths['/a']!.get).not.toHaveProperty('security')
    expect(paths['/a']!.post!.security).toEqual([{ a: ['x'] }, { b: [] }])
    expect(paths['/a']!.put!.security).toEqual([
      { a: ['x', 'y'], c: [] },
      { b: [], a: ['x', 'y'], c: [] },
    ])
    expect(paths['/open']!.get!.security).toEqual([])
    expect(components.securitySchemes).toEqual(schemes)
  })

  it('includes the requirements of the router’s middleware and of the options', () => {
    const { paths, security } = documentOf(
      { a: route('/a').get(nothing) },
      { use: [demand({ a: [] })] },
      { security: [{ key: [] }], securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'x-key' } } },
    )
    expect([paths['/a']!.get!.security, security]).toEqual([[{ a: [] }], [{ key: [] }]])
  })

  it('throws for undeclared, duplicate and invalid scheme names', () => {
    const write = (...notes: object[]) =>
      documentOf({
        a: route('/a')
          .use(pass(notes[0]!))
          .use(pass(notes[1] ?? {}))
          .get(nothing),
      })
    expect(() => write({ security: [{ a: [] }] })).toThrow(
      new OpenApiError("GET /a requires the security scheme 'a', which is not declared; add it to securitySchemes"),
    )
    expect(() => write({ securitySchemes: { a: schemes.a } }, { securitySchemes: { a: schemes.b } })).toThrow(
      new OpenApiError("two different security schemes have the name 'a'; rename one of the two"),
    )
    expect(() => write({ securitySchemes: { 'a b': schemes.a } })).toThrow(
      "the security scheme 'a b' can contain only letters",
    )
  })
})

describe('openapi(): schemas', () => {
  const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

  it('describe converted dates, bigints and other types in their JSON form', () => {
    const body = z.object({
      date: z.coerce.date(),
      big: z.coerce.bigint(),
      int: z.int(),
      made: z.string().transform(Number),
      map: z.preprocess((value) => new Map(Object.entries(value as object)), z.map(z.string(), z.any())),
    })
    const { properties } = json(operationOf({ body }))
    expect(properties).toEqual({
      date: { type: 'string', format: 'date-time' },
      big: { type: 'integer', format: 'int64' },
      int: { type: 'integer' },
      made: { type: 'string' },
      map: {},
    })
  })

  it('of readonly values are not readOnly, unless their metadata says so', () => {
    const body = z.object({ id: z.string().readonly(), tags: z.array(z.string()).readonly() }).readonly()
    expect(JSON.stringify(json(operationOf({ body })))).not.toContain('readOnly')
    const { responses } = operationOf({ response: z.object({ id: z.string().meta({ readOnly: true }) }).readonly() })
    expect(responses[200]!.content!['application/json']!.schema).toMatchObject({
      properties: { id: { type: 'string', readOnly: true } },
    })
  })

  it('of discriminated unions have a discriminator if all alternatives have names', () => {
    const Cat = z.object({ kind: z.literal('cat'), lives: z.int() }).meta({ id: 'Cat' })
    const Dog = z.object({ kind: z.enum(['dog', 'wolf']), name: z.string().default('a') }).meta({ id: 'Dog' })
    const Pet = z.discriminatedUnion('kind', [Cat, Dog]).meta({ id: 'Pet' })
    const { schemas } = operationOf({ body: Pet, response: Pet })
    const mapping = { cat: ref('Cat').$ref, dog: ref('Dog').$ref, wolf: ref('Dog').$ref }
    expect(schemas['Pet']).toEqual({
      oneOf: [ref('Cat'), ref('Dog')],
      discriminator: { propertyName: 'kind', mapping },
    })
    expect(schemas['PetInput']).toMatchObject({
      discriminator: { mapping: { dog: ref('DogInput').$ref, wolf: ref('DogInput').$ref } },
    })
    const mixed = z.discriminatedUnion('kind', [Cat, z.object({ kind: z.literal('fish') })])
    expect(json(operationOf({ body: mixed }))).toEqual({ oneOf: [ref('Cat'), expect.anything()] })
  })

  it('of z.stringbool() list its words, and those of other boolean codecs do not', () => {
    const schemaOf = (on: z.ZodType) => operationOf({ query: z.object({ on }) }).parameters![0]!.schema
    expect(schemaOf(z.stringbool())).toEqual({
      type: 'string',
      enum: expect.arrayContaining(['true', 'yes', 'false', 'disabled']),
    })
    expect(schemaOf(z.stringbool({ truthy: ['da'], falsy: ['nyet'] }).default(false))).toMatchObject({
      enum: ['da', 'nyet'],
    })
    const codec = z.codec(z.string(), z.boolean(), { decode: (text) => text === '1', encode: (on) => (on ? '1' : '') })
    expect(schemaOf(codec)).toEqual({ type: 'string' })
    expect(operationOf({ response: z.stringbool() }).responses[200]!.content!['application/json']!.schema).toEqual({
      type: 'boolean',
    })
  })

  it('are components if they have an id, and one component if input and output are the same', () => {
    const Price = z.object({ amount: z.number() }).meta({ id: 'Price', examples: [{ amount: 1 }] })
    const { requestBody, responses, schemas } = operationOf({
      body: z.object({ Price, old: Price.optional() }),
      response: Price,
    })
    expect(json({ requestBody })).toMatchObject({ properties: { Price: ref('Price'), old: ref('Price') } })
    expect(responses[200]!.content!['application/json']!.schema).toEqual(ref('Price'))
    expect(schemas['Price']).toEqual({
      type: 'object',
      properties: { amount: { type: 'number' } },
      required: ['amount'],
      examples: [{ amount: 1 }],
    })
    expect(Object.keys(schemas)).toEqual(['InputError', 'InvalidInput', 'Price', 'Problem'])
  })

  it('are two components if input and output differ, also in nested schemas', () => {
    const Price = z.object({ amount: z.number().default(1) }).meta({ id: 'Price' })
    const Item = z.object({ price: Price }).meta({ id: 'Item' })
    const { requestBody, responses, schemas } = operationOf({ body: Item, response: Item })
    expect(json({ requestBody })).toEqual(ref('ItemInput'))
    expect(responses[200]!.content!['application/json']!.schema).toEqual(ref('Item'))
    expect(schemas).toMatchObject({
      Item: { properties: { price: ref('Price') } },
      ItemInput: { properties: { price: ref('PriceInput') } },
      Price: { required: ['amount'] },
    })
    expect(schemas['PriceInput']).not.toHaveProperty('required')
    expect(Object.keys(operationOf({ body: Item }).schemas)).toContain('Item')
  })

  it('have sanitized, unique names', () => {
    const one = z.object({ a: z.string() }).meta({ id: 'Two words/é' })
    expect(json(operationOf({ body: one }))).toEqual(ref('Two_words_'))
    const clash = (other: z.ZodType) => () =>
      documentOf({ a: route('/a').post({ body: one }, nothing), b: route('/b').put({ body: other }, nothing) })
    const message = "two schemas have the name 'Two_words_', at POST /a and at PUT /b; give them different ids"
    expect(clash(z.object({ a: z.number() }).meta({ id: 'Two words è' }))).toThrow(new OpenApiError(message))
    expect(clash(z.object({ a: z.string() }).meta({ id: 'Two words/é' }))).not.toThrow()
  })

  it('throw an OpenApiError for one id of two different schemas', () => {
    const routes = {
      a: route('/a').post({ body: z.object({ a: z.string() }).meta({ id: 'Same' }) }, nothing),
      b: route('/b').put({ body: z.object({ b: z.string() }).meta({ id: 'Same' }) }, nothing),
      c: route('/c').get({ response: z.object({ c: z.string() }).meta({ id: 'Same' }) }, nothing as never),
    }
    expect(() => documentOf(routes)).toThrow(OpenApiError)
    expect(() => documentOf({ a: routes.a, b: routes.b })).toThrow("'Same', at POST /a and at PUT /b")
    const half = route('/d').patch(
      {
        body: routes.a.operations.get('POST')!.declaration.body!,
        response: z.object({ b: z.string() }).meta({ id: 'Same' }),
      },
      nothing as never,
    )
    expect(documentOf({ half }).schemas).toMatchObject({ Same: { required: ['b'] }, SameInput: { required: ['a'] } })
  })

  it('rename byway’s Problem if the app has a schema of this name', () => {
    const Problem = z.object({ mine: z.string() }).meta({ id: 'Problem' })
    const { responses, schemas } = operationOf({ body: z.string(), response: Problem })
    expect(responses[200]!.content!['application/json']!.schema).toEqual(ref('Problem'))
    expect(responses[413]!.content!['application/problem+json']!.schema).toEqual(ref('Problem2'))
    expect(schemas).toMatchObject({ Problem: { required: ['mine'] }, InvalidInput: { allOf: [ref('Problem2'), {}] } })
  })

  it('are components if they are recursive, named after their place or title', () => {
    const Tree: z.ZodType = z.object({
      get kids() {
        return z.array(Tree)
      },
    })
    const Titled: z.ZodType = z
      .object({
        get next() {
          return Titled.optional()
        },
      })
      .meta({ title: 'A list' })
    const { paths, schemas } = documentOf({
      tree: route('/tree')
        .post({ body: Tree }, nothing)
        .put({ body: z.object({ x: z.string(), tree: Tree }) }, nothing)
        .get({ response: z.array(Titled) }, nothing as never),
    })
    const { get, post, put } = paths['/tree']!
    expect(json(post!)).toEqual(ref('PostTreeBody'))
    expect(json(put!)).toMatchObject({ properties: { tree: ref('PostTreeBody') } })
    expect(get!.responses[200]!.content!['application/json']!.schema).toEqual({ type: 'array', items: ref('AList') })
    expect(schemas).toMatchObject({
      PostTreeBody: { properties: { kids: { items: ref('PostTreeBody') } } },
      AList: { properties: { next: ref('AList') } },
    })
    expect(JSON.stringify(schemas)).not.toContain('$defs')
  })

  it('ignore $ref in defaults and examples', () => {
    const value = { $ref: '#/nowhere', $schema: 'a' }
    const body = z.object({ a: z.any().default(value), properties: z.string() }).meta({ examples: [{ a: value }] })
    const schema = json(operationOf({ body }))
    expect([schema.properties.a.default, schema.examples[0].a]).toEqual([value, value])
  })

  it('have additionalProperties: false only for strict objects', () => {
    const closed = (response: z.ZodType) =>
      operationOf({ response }).responses[200]!.content!['application/json']!.schema!['additionalProperties']
    expect([closed(z.object({})), closed(z.strictObject({})), closed(z.looseObject({}))]).toEqual([
      undefined,
      false,
      {},
    ])
  })
})

describe('openapi(): values that cannot be sent', () => {
  const messageOf = (operation: Operation): string | undefined => {
    try {
      operationOf(operation)
      return undefined
    } catch (error) {
      expect(error).toBeInstanceOf(OpenApiError)
      return (error as Error).message
    }
  }

  it.each([
    [
      'a date in a JSON body',
      { body: z.object({ at: z.date() }) },
      'the body at /at must be of type Date',
      'z.codec(z.iso.datetime()',
    ],
    [
      'a bigint in a JSON body',
      { body: z.array(z.bigint()) },
      'the body at /0 must be of type bigint',
      'z.codec(z.string()',
    ],
    [
      'a map in a JSON body',
      { body: z.map(z.string(), z.string()) },
      'the body must be of type Map',
      'a schema that converts JSON',
    ],
    [
      'a file in a JSON body',
      { body: z.object({ 'a/b': z.file() }) },
      'the body at /a~1b must be of type File',
      'form() or bytes()',
    ],
    [
      'an optional date in a JSON body',
      { body: z.object({ at: z.date().optional() }) },
      '/at must be of type Date',
      'z.codec(',
    ],
    [
      'a date in a union of dates',
      { body: z.union([z.date(), z.bigint()]) },
      'the body must be of type Date',
      'z.codec(',
    ],
    [
      'a date in a recursive schema',
      {
        body: z.object({
          get next() {
            return z.array(z.object({ at: z.date() }))
          },
        }),
      },
      '/next/0/at',
      'z.codec(',
    ],
    [
      'a bigint in a response',
      { response: z.object({ n: z.bigint() }) },
      'the response at /n has values of type bigint',
      'z.codec(z.bigint(), z.string()',
    ],
    [
      'a set in a response',
      { response: { 201: z.set(z.string()) } },
      'the response has values of type Set',
      'a schema that converts',
    ],
    [
      'a class in a response',
      { response: z.instanceof(Uint8Array) },
      'the response has values of type Uint8Array',
      'a schema',
    ],
    [
      'a number in a query',
      { query: z.object({ page: z.number() }) },
      'the query at /page must be of type number',
      'z.coerce.number()',
    ],
    [
      'a boolean in a query',
      { query: z.object({ on: z.boolean().optional() }) },
      'the query at /on must be of type boolean',
      'z.stringbool()',
    ],
    [
      'an integer in headers',
      { headers: z.object({ 'x-n': z.int() }) },
      'the headers at /x-n must be of type number',
      'z.coerce',
    ],
    [
      'a number in a form',
      { body: form(z.object({ n: z.literal(5) })) },
      'the form at /n must be of type number',
      'z.coerce',
    ],
    ['an object in text', { body: text(z.object({})) }, 'the text must be of type object', 'converts a string'],
    [
      'a date of valibot',
      { body: toStandardJsonSchema(v.object({ at: v.date() })) },
      '/at must be of type Date',
      'v.isoTimestamp()',
    ],
    [
      'a number of valibot',
      { query: toStandardJsonSchema(v.object({ n: v.number() })) },
      '/n must be of type number',
      'v.decimal()',
    ],
    ['a date of arktype', { body: type({ at: 'Date' }) }, '/at must be of type Date', 'string.date.iso.parse'],
    ['a number of arktype', { query: type({ n: 'number' }) }, '/n must be of type number', 'string.numeric.parse'],
  ] as readonly [string, Operation, string, string][])(
    'throws an OpenApiError for %s',
    (_what, operation, mistake, advice) => {
      const message = messageOf(operation)
      expect(message).toMatch(/^POST \/a: /)
      expect(message).toContain(mistake)
      expect(message).toContain(`use ${advice.startsWith('form') ? 'a ' : ''}`)
      expect(message).toContain(advice)
    },
  )

  it('throws for params, and names the operation', () => {
    const a = route('/a/[id]', { params: z.object({ id: z.number() }) }).get(nothing)
    expect(() => documentOf({ a })).toThrow('GET /a/{id}: the params at /id must be of type number')
  })

  it.each([
    [
      'a codec in a body',
      {
        body: z.object({
          at: z.codec(z.iso.datetime(), z.date(), {
            decode: (text) => new Date(text),
            encode: (date) => date.toISOString(),
          }),
        }),
      },
    ],
    [
      'the codec of the message for a bigint',
      { body: z.codec(z.string().regex(/^-?\d+$/), z.bigint(), { decode: BigInt, encode: String }) },
    ],
    [
      'the codec of the message for a response',
      { response: z.codec(z.bigint(), z.string(), { decode: String, encode: BigInt }) },
    ],
    [
      'coerced values in a query',
      { query: z.object({ n: z.coerce.number(), at: z.coerce.date(), on: z.coerce.boolean() }) },
    ],
    ['a preprocessed number in a query', { query: z.object({ n: z.preprocess(Number, z.object({ a: z.number() })) }) }],
    [
      'zod-form-data in a form',
      {
        body: form(
          zfd.formData({
            n: zfd.numeric(),
            f: zfd.file(),
            on: zfd.checkbox(),
            all: zfd.repeatableOfType(zfd.numeric()),
          }),
        ),
      },
    ],
    ['a date in a response', { response: z.object({ at: z.date(), url: z.instanceof(URL) }) }],
    ['a date or a string in a body', { body: z.union([z.date(), z.string()]) }],
    ['undefined in a response without a body', { response: { 204: z.undefined() } }],
    ['a nullable string in a query', { query: z.object({ a: z.string().nullable() }) }],
    ['a number in text', { body: text(z.coerce.number()) }],
  ] as readonly [string, Operation][])('accepts %s', (_what, operation) => {
    expect(messageOf(operation)).toBe(undefined)
  })

  it('sends and receives values with the codecs that the error messages recommend', async () => {
    const at = z.codec(z.iso.datetime(), z.date(), {
      decode: (text) => new Date(text),
      encode: (date) => date.toISOString(),
    })
    const n = z.codec(z.string().regex(/^-?\d+$/), z.bigint(), { decode: BigInt, encode: String })
    const sent = z.codec(z.bigint(), z.string(), { decode: String, encode: BigInt })
    const own = router({
      a: route('/a').post(
        { body: z.object({ at, n }), response: z.object({ at: z.date(), n: sent }) },
        (_request, { body }) => ({
          at: body.at,
          n: body.n * 2n,
        }),
      ),
    })
    const body = JSON.stringify({ at: '2026-01-31T12:00:00.000Z', n: '9007199254740993' })
    const headers = { 'content-type': 'application/json' }
    const response = await own.fetch(new Request('http://test/a', { method: 'POST', body, headers }))
    expect(await response.json()).toEqual({ at: '2026-01-31T12:00:00.000Z', n: '18014398509481986' })
    expect(
      openapi(own, { info }).paths['/a']!.post!.responses[200]!.content!['application/json']!.schema,
    ).toMatchObject({
      properties: { at: { type: 'string', format: 'date-time' }, n: { type: 'string' } },
    })
  })
})

describe('openapi(): validators', () => {
  const date = { type: 'string', format: 'date-time' }
  const file = { type: 'string', format: 'binary' }

  it('converts valibot schemas with its Standard JSON Schema wrapper', () => {
    const schema = toStandardJsonSchema(
      v.object({
        date: v.pipe(
          v.string(),
          v.isoTimestamp(),
          v.transform((text) => new Date(text)),
          v.date(),
        ),
        made: v.pipe(v.string(), v.transform(Number)),
        number: v.pipe(v.string(), v.transform(Number), v.number()),
        trim: v.optional(v.pipe(v.string(), v.trim())),
      }),
    )
    const { requestBody, responses, warnings } = operationOf({ body: schema, response: schema })
    const made = { type: 'string' }
    expect(json({ requestBody }).properties).toEqual({ date, made, number: made, trim: made })
    expect(responses[200]!.content!['application/json']!.schema!['properties']).toEqual({
      date,
      made: {},
      number: { type: 'number' },
      trim: made,
    })
    expect(warnings).toEqual([])
    const upload = toStandardJsonSchema(v.object({ file: v.file() }))
    expect(Object.keys(operationOf({ body: form(upload) }).requestBody!.content)).toEqual(['multipart/form-data'])
  })

  it('converts arktype schemas', () => {
    const schema = type({ date: 'string.date.iso.parse', made: 'string.numeric.parse', 'list?': 'string[]' })
    const { requestBody, warnings } = operationOf({ body: schema })
    expect(json({ requestBody })).toMatchObject({ properties: { date: { type: 'string' }, made: { type: 'string' } } })
    const { responses } = operationOf({ response: type({ date: 'Date', made: 'string.numeric.parse' }) })
    expect(responses[200]!.content!['application/json']!.schema).toMatchObject({
      properties: { date, made: { type: 'number' } },
    })
    expect(warnings).toEqual([])
    const upload = type({ 'file?': 'File' })
    expect(operationOf({ body: form(upload) }).requestBody!.content).toMatchObject({
      'multipart/form-data': { schema: { properties: { file } } },
    })
    expect(
      operationOf({ query: schema })
        .parameters!.map(({ name }) => name)
        .sort(),
    ).toEqual(['date', 'list', 'made'])
  })

  it('names recursive definitions without a name after their place', () => {
    const valibot: v.GenericSchema = v.object({ kids: v.array(v.lazy(() => valibot)) })
    const arktype = type({ kids: 'this[]' })
    const { schemas } = documentOf({
      v: route('/v').post({ body: toStandardJsonSchema(valibot) }, nothing),
      a: route('/a').post({ body: arktype }, nothing),
    })
    expect(Object.keys(schemas)).toEqual([
      'InputError',
      'InvalidInput',
      'PostABody',
      'PostABodyKids',
      'PostVBodyKids',
      'Problem',
    ])
  })

  it('uses {} and warns if a validator does not implement Standard JSON Schema', () => {
    const schema = v.object({ a: v.string() })
    const { paths, warnings } = documentOf({
      a: route('/a').post({ body: schema, query: schema, response: schema }, () => ({ a: 'b' })),
    })
    const { parameters, requestBody, responses } = paths['/a']!.post!
    expect(parameters).toEqual([
      { name: 'query', in: 'query', style: 'form', explode: true, schema: { type: 'object' } },
    ])
    expect(requestBody!.content).toEqual({ 'application/json': { schema: {} } })
    expect(responses[200]!.content).toEqual({ 'application/json': { schema: {} } })
    expect(warnings).toEqual(
      ['PostAQuery', 'PostABody', 'PostAResponse200'].map((name) =>
        expect.stringMatching(`POST /a: .* for ${name}: valibot does not implement .* toStandardJsonSchema`),
      ),
    )
  })

  it('uses {} and warns if a conversion throws, and removes undefined references with a warning', () => {
    const standard = (input: () => object) => ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => ({ value }),
        jsonSchema: { input, output: input },
      },
    })
    const thrown = operationOf({
      body: standard(() => {
        throw new Error('cannot')
      }),
    })
    expect([json(thrown), thrown.warnings]).toEqual([
      {},
      ['POST /a: the document has no JSON Schema for PostABody: cannot'],
    ])
    const kept = {
      $id: 'x',
      properties: { a: { $ref: 'https://a.example/b' }, b: { $ref: '#/properties/c' }, c: { type: 'null' } },
    }
    const lost = operationOf({ body: standard(() => kept) })
    expect(json(lost).properties).toEqual({
      a: {},
      b: { $ref: '#/components/schemas/PostABodyB' },
      c: { type: 'null' },
    })
    expect(lost.schemas['PostABodyB']).toEqual({ type: 'null' })
    expect(lost.warnings).toEqual([
      'POST /a: a schema has a $ref to https://a.example/b, which it does not define; the reference was removed',
    ])
    expect(kept).toHaveProperty('$id')
  })
})
