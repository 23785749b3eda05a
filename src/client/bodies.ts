import { addFields, toText } from './fields.js'

/** A body as `fetch` sends it. */
export interface EncodedBody {
  readonly body: NonNullable<RequestInit['body']>
  /** The `Content-Type`. @default the one that `fetch` finds for the body */
  readonly type?: string
}

/** Encodes the value of a call's option, such as `form`, as a body. */
export type EncodeBody = (value: any) => EncodedBody

const toBytes: EncodeBody = (body: Blob | Uint8Array<ArrayBuffer> | ReadableStream) => ({
  body,
  type: (body as Blob).type || 'application/octet-stream',
})

/** The kinds of bodies that every client can send, by the names of their options. */
export const bodies: Readonly<Record<string, EncodeBody>> = {
  body: (value) => ({ body: JSON.stringify(value), type: 'application/json' }),
  form: toForm,
  text: (body: string) => ({ body }),
  bytes: toBytes,
  stream: toBytes,
}

/**
 * A form with the names that zod-form-data reads (`address.city`, `lines[0].text`): `true` is sent as a checkbox sends it,
 * and `false` is left out. The form is multipart only if there is a file in it.
 */
function toForm(form: unknown): EncodedBody {
  if (form instanceof FormData || form instanceof URLSearchParams) return { body: form }
  const body = new FormData()
  let hasFile = false
  addFields(
    form,
    (name, value) => {
      const isFile = value instanceof Blob
      hasFile ||= isFile
      if (value !== false) body.append(name, value === true ? 'on' : isFile ? value : toText(value))
    },
    (name, key) => `${name}.${key}`,
  )
  return { body: hasFile ? body : new URLSearchParams(body as never) }
}
