import type { OpenApiParameter } from '../document.js'
import { toBodyField } from './body-field.js'
import { toCredentials } from './credentials.js'
import { element } from './element.js'
import { toExtras } from './extras.js'
import { toField, type Field, type FieldError } from './fields.js'
import { toPathname, type Call } from './request.js'
import { parametersIn, type Entry, type Schema, type Spec } from './spec.js'

/** An error of one part of a request, from the `errors` of a problem response. */
export interface InputError {
  readonly in?: unknown
  readonly pointer?: unknown
  readonly detail?: unknown
}

/** The form of an operation. */
export interface Inputs {
  readonly form: HTMLFormElement
  /** Returns the request. @throws InvalidCall if a value cannot be sent. */
  toCall(): Call
  /** Returns whether every path parameter and required file has a value. Otherwise shows an error at the first empty one. */
  isComplete(): boolean
  /** Shows each error at its field, and returns the errors without a field as text. */
  showErrors(errors: readonly InputError[]): string[]
}

// The field for a query whose schema is an object without known properties.
const anyNames = 'any names'

export function toInputs(spec: Spec, entry: Entry, changed: () => void): Inputs {
  const { operation, method, path } = entry
  const fieldsOf = (where: OpenApiParameter['in']): Field[] =>
    parametersIn(operation, where).map((parameter) => toParameterField(spec, parameter))
  const [inPath, inQuery, inHeaders] = [fieldsOf('path'), fieldsOf('query'), fieldsOf('header')]
  const body = operation.requestBody && toBodyField(spec, operation.requestBody, changed)
  const schemes = new Set((operation.security ?? spec.document.security).flatMap((one) => Object.keys(one)))
  const credentials = toCredentials(spec, [...schemes])
  const extras = toExtras(spec)
  const form = element(
    'form',
    { class: 'form', id: 'try', novalidate: true, autocomplete: 'off', 'aria-label': 'Request' },
    toGroup('Path', inPath),
    toGroup('Query', inQuery),
    toGroup('Headers', inHeaders),
    body && element('fieldset', {}, element('legend', {}, 'Body'), body.node),
    schemes.size > 0 && element('fieldset', {}, element('legend', {}, 'Authorization'), credentials.node),
    extras.node,
  )
  form.addEventListener('input', changed)
  form.addEventListener('change', changed)

  const fieldAt = (where: unknown, pointer: string): Field | undefined => {
    const name = pointer.split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~')
    if (where === 'query') return inQuery.find((field) => field.name === name)
    if (where === 'headers') return inHeaders.find((field) => field.name.toLowerCase() === name?.toLowerCase())
    return body?.at(pointer)
  }
  const all = (): Field[] => [...inPath, ...inQuery, ...inHeaders, ...(body?.fields ?? [])]
  return {
    form,
    toCall() {
      const values = new Map(inPath.map((field) => [field.name, String(field.values()[0] ?? '')]))
      const isCatchAll = (name: string): boolean =>
        parametersIn(operation, 'path').some((one) => one.name === name && !!one['x-byway-catch-all'])
      const credential = credentials.read()
      const query = new URLSearchParams([...inQuery.flatMap(toPairs), ...credential.query])
      const sent = body?.body()
      return {
        method,
        url: extras.base() + toPathname(path, values, isCatchAll) + (query.size ? `?${query}` : ''),
        headers: [
          ...(sent?.type === undefined ? [] : [['Content-Type', sent.type] as const]),
          ...inHeaders.flatMap(({ name, values }) => values().map((value) => [name, String(value)] as const)),
          ...credential.headers,
          ...extras.headers(),
        ],
        body: sent,
      }
    },
    isComplete() {
      const empty =
        inPath.find((field) => !field.values().length) ??
        all().find((field) => field.isFile && field.isRequired && !field.values().length)
      empty?.showErrors([{ text: empty.isFile ? 'Choose a file.' : 'The path requires a value.' }])
      empty?.focus()
      return !empty
    },
    showErrors(errors) {
      const byField = new Map<Field, FieldError[]>()
      const elsewhere: string[] = []
      for (const { in: where, pointer = '', detail = '' } of errors) {
        const field = fieldAt(where, String(pointer))
        const error = { pointer: String(pointer), text: String(detail) }
        if (field) byField.set(field, [...(byField.get(field) ?? []), error])
        else elsewhere.push([where, pointer, detail].filter(Boolean).map(String).join(' '))
      }
      for (const field of all()) field.showErrors(byField.get(field) ?? [])
      return elsewhere
    },
  }
}

function toParameterField(spec: Spec, { name, schema, required, description, ...rest }: OpenApiParameter): Field {
  if (rest.in === 'query' && (schema as Schema).type === 'object')
    return toField(spec, {
      name: anyNames,
      schema: { type: 'array', items: { type: 'string' }, examples: [['name=value']] },
      hint: 'name=value, one per line',
    })
  const isCatchAll = !!rest['x-byway-catch-all']
  return toField(spec, {
    name,
    schema: schema as Schema,
    isRequired: required,
    description: isCatchAll ? '' : description,
    hint: isCatchAll ? 'segments, separated by /' : undefined,
  })
}

const toPairs = ({ name, values }: Field): [string, string][] =>
  values().map((value) => {
    if (name !== anyNames) return [name, String(value)]
    const [, key, rest] = /^([^=]*)=?(.*)$/s.exec(String(value))!
    return [key!, rest!]
  })

const toGroup = (title: string, fields: readonly Field[]): HTMLElement | false =>
  fields.length > 0 &&
  element(
    'fieldset',
    {},
    element('legend', {}, title),
    element('div', { class: 'fields' }, ...fields.map(({ node }) => node)),
  )
