import { element } from './element.js'
import { prose } from './markdown.js'
import type { Schema, Spec } from './spec.js'

const isFile = ({ format }: Schema): boolean => format === 'binary'

/** Returns the type of a schema as text: `array of Item`. */
export function typeOf(spec: Spec, given: Schema): string {
  const { schema, name } = spec.resolve(given)
  if (name !== undefined) return name
  const { type, format, items, enum: values } = schema
  if (isFile(schema)) return 'file'
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) return [...new Set(alternatives.map((one) => typeOf(spec, one)))].join(' or ')
  if (type === 'array') return items ? `array of ${typeOf(spec, items)}` : 'array'
  const words = [...new Set([type ?? (schema.properties || schema.allOf ? 'object' : [])].flat())].join(' or ')
  return [words || (values ? 'one of' : 'anything'), format].filter(Boolean).join(' · ')
}

/** Returns the other constraints of a schema as short texts: `≥ 1`, `at most 5 items`. */
export function limitsOf(schema: Schema): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format, pattern, contentMediaType } = schema
  const show = (value: unknown, text: string): string | false => value !== undefined && value !== false && text
  return [
    show(minimum, `≥ ${minimum}`),
    show(exclusiveMinimum, `> ${exclusiveMinimum}`),
    show(maximum, `≤ ${maximum}`),
    show(exclusiveMaximum, `< ${exclusiveMaximum}`),
    show(multipleOf, `a multiple of ${multipleOf}`),
    toSpan(schema.minLength, schema.maxLength, 'characters'),
    toSpan(schema.minItems, schema.maxItems, 'items'),
    show(schema.uniqueItems, 'unique items'),
    // The pattern of a known format repeats the format.
    format === undefined && show(pattern, `matches ${pattern}`),
    show(contentMediaType, String(contentMediaType)),
    show(schema.default, `default ${JSON.stringify(schema.default)}`),
  ].filter((one) => one !== false)
}

const toSpan = (least: number | undefined, most: number | undefined, unit: string): string | false =>
  least === undefined && most === undefined
    ? false
    : `${least === undefined ? `at most ${most}` : most === undefined ? `at least ${least}` : least === most ? most : `${least} to ${most}`} ${unit}`

/** Shows the type, constraints and possible values of a schema in one line. */
export function facts(spec: Spec, given: Schema, isRequired?: boolean): HTMLElement {
  const { schema } = spec.resolve(given)
  const values = schema.enum ?? (schema.items ? spec.resolve(schema.items).schema.enum : undefined)
  const parts = [
    element('span', { class: 'type' }, typeOf(spec, given)),
    isRequired && element('span', { class: 'need' }, 'required'),
    (schema.deprecated ?? given.deprecated) && element('span', { class: 'old' }, 'deprecated'),
    ...limitsOf({ ...schema, ...given }).map((limit) => element('span', { class: 'limit' }, limit)),
    ...(values ?? []).map((value) => element('code', { class: 'choice' }, JSON.stringify(value))),
  ]
  // Spaces separate the parts for screen readers and in copied text.
  return element('span', { class: 'facts' }, ...parts.flatMap((part) => (part ? [part, ' '] : [])))
}

/** Shows a schema with its nested properties. A recursive schema stops at its first repetition. */
export function schemaView(spec: Spec, given: Schema): HTMLElement {
  const { schema } = spec.resolve(given)
  const description = schema.description === undefined ? undefined : prose(schema.description)
  return element(
    'div',
    { class: 'schema' },
    element('p', {}, facts(spec, given)),
    description,
    membersOf(spec, given, [], 0),
  )
}

function membersOf(spec: Spec, given: Schema, above: readonly Schema[], depth: number): HTMLElement | undefined {
  const { schema } = spec.resolve(given)
  if (above.includes(schema)) return undefined
  const inside = [...above, schema]
  const flat = spec.flatten(schema)
  const rows = Object.entries(flat.properties ?? {}).map(([name, property]) =>
    row(spec, name, property, flat.required?.includes(name) ?? false, inside, depth),
  )
  if (typeof flat.additionalProperties === 'object')
    rows.push(row(spec, 'any other property', flat.additionalProperties, false, inside, depth))
  for (const [index, item] of (flat.prefixItems ?? []).entries())
    rows.push(row(spec, String(index), item, true, inside, depth))
  const alternatives = (flat.anyOf ?? flat.oneOf ?? []).filter((one) => hasMembers(spec, one, inside))
  for (const alternative of alternatives) {
    const members = membersOf(spec, alternative, inside, depth)
    if (members)
      rows.push(element('li', {}, element('p', { class: 'either' }, `as ${typeOf(spec, alternative)}`), members))
  }
  if (rows.length) return element('ul', { class: 'members' }, ...rows)
  return flat.items ? membersOf(spec, flat.items, inside, depth) : undefined
}

function hasMembers(spec: Spec, given: Schema, above: readonly Schema[]): boolean {
  const { schema } = spec.resolve(given)
  if (above.includes(schema)) return false
  const { properties, additionalProperties, prefixItems, anyOf, oneOf, items } = spec.flatten(schema)
  const parts = [...(anyOf ?? oneOf ?? []), ...(items ? [items] : [])]
  return (
    Object.keys(properties ?? {}).length > 0 ||
    typeof additionalProperties === 'object' ||
    !!prefixItems ||
    parts.some((one) => hasMembers(spec, one, [...above, schema]))
  )
}

function row(
  spec: Spec,
  name: string,
  given: Schema,
  isRequired: boolean,
  above: readonly Schema[],
  depth: number,
): HTMLElement {
  const isParent = hasMembers(spec, given, above)
  const { description } = { ...spec.resolve(given).schema, ...given }
  const head = [element('code', { class: 'name' }, name), ' ', facts(spec, given, isRequired)]
  const members = (): HTMLElement | undefined => membersOf(spec, given, above, depth + 1)
  if (!isParent || depth === 0)
    return element('li', {}, element('p', {}, ...head), prose(description), isParent && members())
  // The first two levels are always visible. Deeper ones are created when the reader opens them.
  const details = element('details', {}, element('summary', {}, ...head))
  details.addEventListener('toggle', () => details.append(members() ?? ''), { once: true })
  return element('li', {}, details, prose(description))
}
