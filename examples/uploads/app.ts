import { randomUUID } from 'node:crypto'
import { type AnyContext, errorOf, href, middleware, route, router, stream } from 'byway'
import { bearerAuth } from 'byway/middleware'
import { docs } from 'byway/openapi'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { type Files, maxSize, NewFile, type StoredFile } from './files.js'
import { SizeError, StorageError, type Storage } from './storage.js'

/** Seconds for which a URL of the storage works. */
const uploadTime = 300
const downloadTime = 60

const File = NewFile.extend({ id: z.uuid(), isReady: z.boolean() }).meta({ id: 'File' })
const Upload = z.object({
  method: z.literal('PUT'),
  url: z.url(),
  headers: z.record(z.string(), z.string()),
  expires: z.iso.datetime(),
})

// A client can write to the first of them, as long as its URL works. Downloads are only from the second.
const incomingKey = ({ id }: StoredFile): string => `incoming/${id}`
const keyOf = ({ id }: StoredFile): string => `files/${id}`

export interface Services {
  readonly storage: Storage
  readonly files: Files
  /** Returns the user of a token. */
  readonly findUser: (token: string) => string | undefined
}

export function createApp({ storage, files, findUser }: Services) {
  const signedIn = bearerAuth({
    verify(token) {
      const user = findUser(token)
      return user === undefined ? undefined : { user }
    },
  })

  // Errors of the domain, from any depth, are problems.
  const mapErrors = middleware(
    { openapi: { responses: { 502: 'The storage failed.' } } },
    async (_request, _context, next) => {
      const response = await next()
      const error = errorOf(response)
      if (error instanceof StorageError) return reply.problem(502, { detail: 'The storage failed.' }, { cause: error })
      return response
    },
  )

  // A file of another user is a 404, so that its ID stays unknown.
  const ownFile = middleware(
    { openapi: { responses: { 404: 'The user has no such file.' } } },
    (_request, { params, user }: AnyContext & { params: { id: string }; user: string }, next) => {
      const file = files.find(params.id, user)
      return file ? next({ file }) : reply.notFound()
    },
  )

  // One request changes a file at a time.
  const exclusive = middleware(
    { openapi: { responses: { 409: 'The state of the file does not allow this.' } } },
    async (_request, { file }: AnyContext & { file: StoredFile }, next) => {
      if (!files.lock(file.id)) return reply.problem(409, { detail: 'Another request is changing the file.' })
      try {
        return await next()
      } finally {
        files.unlock(file.id)
      }
    },
  )

  /** Moves the content to where it can be downloaded, if it is what the client declared. */
  async function accept(file: StoredFile) {
    const found = await storage.head(incomingKey(file))
    if (!found) return reply.problem(409, { detail: 'The storage does not have the content.' })
    if (found.size !== file.size || found.type !== file.type) {
      await storage.delete(incomingKey(file))
      return reply.problem(409, { detail: 'The content does not have the declared size and type.' })
    }
    if (!(await storage.copy(incomingKey(file), keyOf(file), found.etag)))
      return reply.problem(409, { detail: 'The content changed during the check.' })
    file.isReady = true
    await storage.delete(incomingKey(file))
    return file
  }

  const api = route.use(signedIn).use(mapErrors)

  const uploads = api('/uploads').post(
    { body: NewFile, response: { 201: File.extend({ upload: Upload }) }, openapi: { summary: 'Declare a file' } },
    async (_request, { body, user }) => {
      const file: StoredFile = { ...body, id: randomUUID(), owner: user, isReady: false }
      const upload = {
        method: 'PUT' as const,
        url: await storage.presignPut(incomingKey(file), file, uploadTime),
        // The length is signed too. Clients send it by themselves.
        headers: { 'content-type': file.type },
        expires: new Date(Date.now() + uploadTime * 1_000).toISOString(),
      }
      files.add(file)
      return reply.json({ ...file, upload }, { status: 201, headers: { location: href('/files/[id]', file) } })
    },
  )

  const complete = api('/uploads/[id]/complete')
    .use(ownFile)
    .use(exclusive)
    .post({ response: File, openapi: { summary: 'Check an upload to the storage' } }, (_request, { file }) =>
      file.isReady ? file : accept(file),
    )

  const file = api('/files/[id]')
    .use(ownFile)
    .get(
      { openapi: { summary: 'Download a file', responses: { 307: 'The storage has the content.' } } },
      async (_request, { file }) =>
        file.isReady
          ? reply.redirect(await storage.presignGet(keyOf(file), file, downloadTime), {
              headers: { 'cache-control': 'no-store' },
            })
          : reply.notFound({ detail: 'The file has no content yet.' }),
    )
    .use(exclusive)
    .put(
      {
        body: stream('*/*'),
        bodyLimit: maxSize,
        response: File,
        openapi: {
          summary: 'Upload through this server',
          responses: {
            400: 'The body is smaller than declared.',
            413: 'The body is larger than declared.',
            415: 'The type is not the declared one.',
          },
        },
      },
      async (request, { body, file, signal }) => {
        if (file.isReady) return reply.problem(409, { detail: 'The file has its content already.' })
        if (request.headers.get('content-type') !== file.type)
          return reply.problem(415, { detail: `The body must be ${file.type}, as declared.` })
        try {
          await storage.put(incomingKey(file), body, file, signal)
        } catch (error) {
          // If the client disconnects after the last byte, the object is complete. A rule of the bucket deletes the rest.
          await storage.delete(incomingKey(file)).catch(() => {})
          if (!(error instanceof SizeError)) throw error
          return error.isTooLarge
            ? reply.problem(413, { detail: `The body is larger than the declared ${file.size} bytes.` })
            : reply.problem(400, { detail: `The body is smaller than the declared ${file.size} bytes.` })
        }
        return accept(file)
      },
    )
    .delete(
      { openapi: { summary: 'Delete a file', responses: { 204: 'The file is deleted.' } } },
      async (_request, { file }) => {
        await storage.delete(incomingKey(file))
        await storage.delete(keyOf(file))
        files.remove(file.id)
      },
    )

  return router({
    uploads,
    complete,
    file,
    docs: docs('/docs', { info: { title: 'Uploads', version: '1.0.0' } }),
  })
}
