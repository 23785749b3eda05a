import type { OpenApiMedia, OpenApiRequestBody } from '../document.js'
import { element } from './element.js'
import { exampleOf } from './example.js'
import { complete, toField, type Field } from './fields.js'
import { prose } from './markdown.js'
import { facts, schemaView } from './schema-view.js'
import type { Schema, Spec } from './spec.js'

/** A request body, and the curl arguments that send the same one. */
export interface Body {
  readonly content: BodyInit
  /** The Content-Type. Unset for a form, because `fetch` sets it. */
  readonly type?: string
  readonly curl: readonly string[]
}

/** The form controls for a request body. */
export interface BodyField {
  readonly node: HTMLElement
  readonly fields: readonly Field[]
  /** Returns the body, or `undefined` if the controls are empty. */
  body(): Body | undefined
  /** Returns the field for a JSON Pointer: of a form the field with this name, else the single field of the body. */
  at(pointer: string): Field | undefined
}

const isForm = (type: string): boolean => type === 'multipart/form-data' || type === 'application/x-www-form-urlencoded'
const isJson = (type: string): boolean => /[/+]json$/.test(type)

/** Creates the controls for a request body. If there are several media types, the user selects one. */
export function toBodyField(
  spec: Spec,
  { content, required, description }: OpenApiRequestBody,
  changed: () => void,
): BodyField {
  const types = Object.keys(content)
  const made = new Map(types.map((type) => [type, toOne(spec, type, content[type]!, required)]))
  let current = made.get(types[0]!)!
  const place = element('div', {}, current.node)
  const choice = element('select', { 'aria-label': 'Media type' }, ...types.map((type) => element('option', {}, type)))
  choice.addEventListener('change', () => {
    current = made.get(choice.value)!
    place.replaceChildren(current.node)
    changed()
  })
  const head =
    types.length > 1
      ? element('label', { class: 'kind' }, 'Media type ', choice)
      : element('p', { class: 'kind' }, types[0] === '*/*' ? 'any media type' : types[0])
  return {
    node: element('div', { class: 'body-field' }, head, prose(description), place),
    get fields() {
      return current.fields
    },
    body: () => current.body(),
    at: (pointer) => current.at(pointer),
  }
}

function toOne(
  spec: Spec,
  type: string,
  { schema = {}, encoding, examples }: OpenApiMedia,
  isRequired: boolean,
): BodyField {
  if (isForm(type)) return toForm(spec, type, schema, encoding)
  return isJson(type) ? toJson(spec, type, schema, isRequired, examples) : toRaw(spec, type, schema, isRequired)
}

// The pointer `/address/city` belongs to the field `address.city`, and `/tags/0` to `tags`.
const nameAt = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))

function toForm(spec: Spec, type: string, given: Schema, encoding: OpenApiMedia['encoding'] = {}): BodyField {
  const schema = spec.flatten(given)
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    toField(spec, {
      name,
      schema: property,
      isRequired: schema.required?.includes(name),
      accept: encoding[name]?.contentType,
    }),
  )
  return {
    node: element('div', { class: 'fields' }, ...fields.map(({ node }) => node)),
    fields,
    body() {
      const pairs = fields.flatMap(({ name, values }) => values().map((value) => [name, value] as const))
      const multipart = type === 'multipart/form-data'
      const content = multipart ? new FormData() : new URLSearchParams()
      for (const [name, value] of pairs) content.append(name, value as string)
      const curl = pairs.flatMap(([name, value]) => {
        if (!multipart) return ['--data-urlencode', `${name}=${String(value)}`]
        return value instanceof File ? ['-F', `${name}=@${value.name}`] : ['--form-string', `${name}=${value}`]
      })
      return { content, curl }
    },
    at(pointer) {
      const steps = nameAt(pointer)
      const names = steps.map((_step, index) => steps.slice(0, index + 1).join('.'))
      return fields.findLast(({ name }) => names.includes(name))
    },
  }
}

function toJson(
  spec: Spec,
  type: string,
  schema: Schema,
  isRequired: boolean,
  examples: OpenApiMedia['examples'] = {},
): BodyField {
  const write = (value: unknown): string => JSON.stringify(value ?? null, undefined, 2)
  const named = Object.entries(examples)
  const text = write(named.length ? named[0]![1].value : exampleOf(spec, schema))
  const rows = Math.min(20, Math.max(4, text.split('\n').length + 1))
  const area = element('textarea', { 'aria-label': 'JSON body', rows, class: 'json' })
  area.value = text
  const hint = element('p', { class: 'hint', role: 'status' })
  area.addEventListener('input', () => (hint.textContent = area.value.trim() ? toJsonError(area.value) : ''))
  const choice = element(
    'select',
    { 'aria-label': 'Example' },
    ...named.map(([name, { summary = name }]) => element('option', { value: name }, summary)),
  )
  choice.addEventListener('change', () => {
    area.value = write(examples[choice.value]!.value)
    area.dispatchEvent(new Event('input', { bubbles: true }))
  })
  const node = element('div', { class: 'field' }, named.length > 1 && choice, area, hint)
  const field = complete('body', isRequired, node, area, () => (area.value.trim() ? [area.value] : []))
  return {
    node: element('div', { class: 'json-field' }, field.node, schemaView(spec, schema)),
    fields: [field],
    body: () => (area.value.trim() ? { content: area.value, type, curl: ['--data-raw', area.value] } : undefined),
    at: () => field,
  }
}

function toJsonError(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return `This is not valid JSON and will be sent unchanged: ${(error as Error).message}`
  }
}

function toRaw(spec: Spec, range: string, schema: Schema, isRequired: boolean): BodyField {
  const isBinary = spec.flatten(schema).format === 'binary'
  const preset = range.includes('*') ? (range.startsWith('text/') ? 'text/plain' : '') : range
  const file = element('input', {
    type: 'file',
    'aria-label': 'Body as a file',
    accept: range.includes('*/') ? undefined : range,
  })
  const area = element('textarea', { rows: 4, 'aria-label': 'Body as text' })
  const type = element('input', {
    type: 'text',
    value: preset,
    placeholder: isBinary ? "the file's type" : 'text/plain',
  })
  const node = element(
    'div',
    { class: 'field' },
    element('p', {}, facts(spec, schema, isRequired)),
    area,
    element('div', { class: 'aside' }, 'or ', file),
    element('label', { class: 'line' }, 'Content-Type', type),
  )
  const field = complete('body', isRequired, node, area, () =>
    file.files?.length ? [...file.files] : area.value ? [area.value] : [],
  )
  return {
    node,
    fields: [field],
    body() {
      const [content] = field.values()
      if (content === undefined) return undefined
      const isFile = content instanceof File
      return {
        content,
        type: type.value.trim() || (isFile ? content.type || 'application/octet-stream' : 'text/plain'),
        curl: isFile ? ['--data-binary', `@${content.name}`] : ['--data-raw', content],
      }
    },
    at: () => field,
  }
}
