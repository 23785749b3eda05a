import type { OpenApiParameter } from '../document.js'
import { toBodyField } from './body-field.js'
import { sentByBrowser, toCredentials } from './credentials.js'
import { element } from './element.js'
import { restore, store } from './drafts.js'
import { toExtras } from './extras.js'
import { toField, type Field, type FieldError } from './fields.js'
import { prose } from './markdown.js'
import { toPathname, type Call } from './request.js'
import { facts } from './schema-view.js'
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
  /** Fills the form with the values that were last entered. */
  restore(): void
  /** Returns the request. @throws InvalidCall if a value cannot be sent. */
  toCall(): Call
  /** Returns whether every required field has a value. Otherwise shows an error at each empty one. */
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
  const cookies = parametersIn(operation, 'cookie').map((cookie) =>
    element(
      'div',
      { class: 'field' },
      element(
        'p',
        {},
        element('code', { class: 'name' }, cookie.name),
        ' ',
        facts(spec, schemaOf(cookie), cookie.required),
      ),
      prose(cookie.description),
      element('p', { class: 'hint' }, sentByBrowser),
    ),
  )
  const body = operation.requestBody && toBodyField(spec, operation.requestBody, changed)
  const schemes = new Set((operation.security ?? spec.document.security).flatMap((one) => Object.keys(one)))
  const credentials = toCredentials(spec, [...schemes])
  const extras = toExtras(spec)
  const form = element(
    'form',
    { class: 'form', id: 'try', novalidate: true, autocomplete: 'off', autocapitalize: 'off', 'aria-label': 'Request' },
    toGroup('Path', inPath),
    toGroup('Query', inQuery),
    toGroup('Headers', inHeaders),
    cookies.length > 0 && element('fieldset', {}, element('legend', {}, 'Cookies'), ...cookies),
    body && element('fieldset', {}, element('legend', {}, 'Body'), body.node),
    schemes.size > 0 && element('fieldset', {}, element('legend', {}, 'Authorization'), credentials.node),
    extras.node,
  )
  const isChanged = (): void => {
    store(entry.id, form)
    changed()
  }
  form.addEventListener('input', isChanged)
  form.addEventListener('change', isChanged)

  const fieldAt = (where: unknown, pointer: string): Field | undefined => {
    const name = pointer.split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~')
    if (where === 'query') return inQuery.find((field) => field.name === name)
    if (where === 'headers') return inHeaders.find((field) => field.name.toLowerCase() === name?.toLowerCase())
    return body?.at(pointer)
  }
  const all = (): Field[] => [...inPath, ...inQuery, ...inHeaders, ...(body?.fields ?? [])]
  return {
    form,
    restore: () => restore(entry.id, form),
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
      const isUnused = !operation.requestBody?.required && body?.fields.every((field) => !field.values().length)
      const fields = isUnused ? all().filter((field) => !body!.fields.includes(field)) : all()
      const empty = fields.filter((field) => field.isRequired && !field.values().length)
      for (const field of empty) field.showErrors([{ text: field.isFile ? 'Choose a file.' : 'Enter a value.' }])
      empty[0]?.focus()
      return !empty.length
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

const schemaOf = ({ schema, deprecated }: OpenApiParameter): Schema => (deprecated ? { ...schema, deprecated } : schema)

function toParameterField(spec: Spec, parameter: OpenApiParameter): Field {
  const { name, required, description } = parameter
  const schema = schemaOf(parameter)
  if (parameter.in === 'query' && schema.type === 'object')
    return toField(spec, {
      name: anyNames,
      schema: { type: 'array', items: { type: 'string' }, examples: [['name=value']] },
      hint: 'name=value, one per line',
    })
  const isCatchAll = !!parameter['x-byway-catch-all']
  return toField(spec, {
    name,
    schema,
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
