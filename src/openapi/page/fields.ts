import { element } from './element.js'
import { exampleOf, givenExample } from './example.js'
import { prose } from './markdown.js'
import { facts } from './schema-view.js'
import type { Schema, Spec } from './spec.js'

/** An error of a field's value. `pointer` is a JSON Pointer into the value. */
export interface FieldError {
  readonly pointer?: string
  readonly text: string
}

/** A form field for one value. */
export interface Field {
  readonly node: HTMLElement
  readonly name: string
  readonly isRequired: boolean
  readonly isFile: boolean
  /** Returns the entered values; empty if the field is empty. */
  values(): readonly (string | File)[]
  /** Shows these errors instead of earlier ones. An empty array removes them. */
  showErrors(errors: readonly FieldError[]): void
  focus(): void
}

export interface FieldOptions {
  readonly name: string
  readonly schema: Schema
  readonly isRequired?: boolean | undefined
  readonly description?: string | undefined
  readonly hint?: string | undefined
  /** The media types of a file. */
  readonly accept?: string | undefined
}

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

// The last value of each field name. Other operations start with it, so a slug is entered only once.
const remembered = new Map<string, string>()
let count = 0

/** Creates a field for a schema: a select, checkboxes, a file input, a text area or a text input. */
export function toField(
  spec: Spec,
  { name, schema: given, isRequired = false, description, hint, accept }: FieldOptions,
): Field {
  const schema = simplest(spec, given)
  const items = schema.type === 'array' && schema.items ? simplest(spec, schema.items) : undefined
  const choices = choicesOf(items ?? schema)
  const isFile = (items ?? schema).format === 'binary'
  const example = givenExample(given) ?? givenExample(schema)
  const id = `field-${++count}`
  const label = element('code', { class: 'name' }, name)
  const head = [label, ' ', facts(spec, given, isRequired)]
  const note = prose(description ?? spec.resolve(given).schema.description)
  const notes = [...(note ? [note] : []), ...(hint ? [element('p', { class: 'hint' }, hint)] : [])]

  if (items && choices) {
    const boxes = choices.map((choice) => element('input', { type: 'checkbox', value: choice }))
    const group = element(
      'fieldset',
      { class: 'field' },
      element('legend', { id }, ...head),
      ...notes,
      element('div', { class: 'boxes' }, ...boxes.map((box) => element('label', {}, box, box.value))),
    )
    return complete(name, isRequired, group, boxes[0]!, () =>
      boxes.filter(({ checked }) => checked).map(({ value }) => value),
    )
  }

  const control = toControl()
  control.id = id
  const node = element('div', { class: 'field' }, element('label', { for: id }, ...head), ...notes, control)
  control.addEventListener('input', () => {
    if (!isFile) remembered.set(name, control.value)
  })
  return complete(name, isRequired, node, control, () => {
    if (control instanceof HTMLInputElement && control.files) return [...control.files]
    if (!control.value) return []
    return control instanceof HTMLTextAreaElement ? control.value.split('\n').filter(Boolean) : [control.value]
  })

  function toControl(): Control {
    if (isFile)
      return element('input', { type: 'file', multiple: !!items, accept: accept === '*/*' ? undefined : accept })
    const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
    const first = remembered.get(name) ?? (example && isRequired ? [example.value].flat().map(shown).join('\n') : '')
    if (choices) {
      const preset = schema.default === undefined ? '' : ` (${shown(schema.default)})`
      const options = choices.map((choice) => element('option', { value: choice }, choice))
      const select = element('select', {}, element('option', { value: '' }, `–${preset}`), ...options)
      select.value = choices.includes(first) ? first : ''
      return select
    }
    const isPlain = !example && (items ?? schema).type === 'string' && !(items ?? schema).format
    const suggestion = example ? example.value : isPlain ? [] : exampleOf(spec, schema)
    const placeholder = [suggestion].flat().map(shown).join('\n')
    if (items || schema.type === 'array') {
      const area = element('textarea', { rows: 2, placeholder: placeholder || 'one per line' })
      area.value = first
      return area
    }
    const isNumber = schema.type === 'integer' || schema.type === 'number'
    return element('input', {
      type: 'text',
      value: first,
      placeholder,
      // A number input would hide invalid text, which must be sent to show the API's error.
      inputmode: isNumber ? (schema.type === 'integer' && (schema.minimum ?? -1) >= 0 ? 'numeric' : 'text') : undefined,
    })
  }
}

/** Creates a field with a list for its errors. */
export function complete(
  name: string,
  isRequired: boolean,
  node: HTMLElement,
  control: HTMLElement,
  values: Field['values'],
): Field {
  const list = element('ul', { class: 'mistakes', id: `mistakes-${++count}`, hidden: true })
  node.append(list)
  return {
    node,
    name,
    isRequired,
    isFile: control instanceof HTMLInputElement && control.type === 'file',
    values,
    focus: () => control.focus(),
    showErrors(errors) {
      list.replaceChildren(
        ...errors.map(({ pointer, text }) => element('li', {}, pointer && element('code', {}, pointer), ` ${text}`)),
      )
      list.hidden = !errors.length
      control.toggleAttribute('aria-invalid', false)
      control.removeAttribute('aria-describedby')
      if (!errors.length) return
      control.setAttribute('aria-invalid', 'true')
      control.setAttribute('aria-describedby', list.id)
    },
  }
}

// Reduces `string or null` and other unions to the alternative that a field can show.
function simplest(spec: Spec, given: Schema): Schema {
  const schema = spec.flatten(given)
  const alternatives = (schema.anyOf ?? schema.oneOf)
    ?.map((one) => spec.flatten(one))
    .filter(({ type }) => type !== 'null')
  if (alternatives?.every((one) => one.const !== undefined))
    return { ...schema, enum: alternatives.map((one) => one.const) }
  return alternatives?.find(({ type }) => type === 'array') ?? (alternatives?.length === 1 ? alternatives[0]! : schema)
}

function choicesOf({ enum: values, const: constant, type }: Schema): string[] | undefined {
  if (values) return values.filter((value) => value !== null).map(String)
  if (constant !== undefined) return [String(constant)]
  return type === 'boolean' ? ['true', 'false'] : undefined
}
