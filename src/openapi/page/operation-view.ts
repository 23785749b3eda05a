import type { ExampleNotes } from '../../notes.js'
import type { OpenApiMedia, OpenApiResponse } from '../document.js'
import { inWords } from './credentials.js'
import { element, toBlock, toJsonNodes, webLink } from './element.js'
import { exampleOf } from './example.js'
import { toInputs } from './inputs.js'
import { prose } from './markdown.js'
import { toRequestPanel } from './request-panel.js'
import { facts, schemaView } from './schema-view.js'
import type { Entry, Schema, Spec } from './spec.js'

/** Shows a method in its color. */
export const methodMark = (method: string): HTMLElement =>
  element('span', { class: 'method', 'data-method': method }, method)

/** Shows a path with an optional line break before each segment. */
export const pathText = (path: string): HTMLElement =>
  element('span', { class: 'path' }, ...path.split(/(?=\/)/).flatMap((part) => [element('wbr'), part]))

/** Shows an operation: its description, a form to send a request, and the documented responses. */
export function operationView(spec: Spec, entry: Entry): { readonly node: HTMLElement; stop(): void } {
  try {
    return entry.mistake ? brokenView(entry, entry.mistake) : workingView(spec, entry)
  } catch (error) {
    return brokenView(entry, `This page cannot show the operation: ${(error as Error).message}`)
  }
}

const brokenView = (entry: Entry, mistake: string): { readonly node: HTMLElement; stop(): void } => ({
  node: element(
    'article',
    { class: 'operation' },
    element('header', {}, ...titleOf(entry), element('p', { class: 'mistake', role: 'alert' }, mistake)),
  ),
  stop() {},
})

const titleOf = ({ operation, method, path, id }: Entry): HTMLElement[] => [
  element('h2', { id: 'title', tabindex: -1 }, operation.summary ?? id),
  element('p', { class: 'address' }, methodMark(method), ' ', pathText(path)),
]

function workingView(spec: Spec, entry: Entry): { readonly node: HTMLElement; stop(): void } {
  const { operation } = entry
  const inputs = toInputs(spec, entry, () => panel.write())
  const panel = toRequestPanel(entry, inputs)
  inputs.form.addEventListener('submit', (event) => {
    event.preventDefault()
    void panel.send()
  })
  inputs.form.addEventListener('keydown', ({ key, ctrlKey, metaKey }) => {
    if (key === 'Enter' && (ctrlKey || metaKey)) inputs.form.requestSubmit()
  })
  inputs.restore()
  panel.write()
  const security = operation.security ?? spec.document.security
  const { externalDocs: docs } = operation
  const node = element(
    'article',
    { class: 'operation' },
    element(
      'header',
      {},
      ...titleOf(entry),
      operation.deprecated && element('p', { class: 'old' }, 'Deprecated: this operation might be removed.'),
      prose(operation.description),
      docs && element('p', {}, webLink(docs.url, docs.description ?? docs.url)),
      security.length > 0 && element('p', { class: 'hint' }, `Requires ${inWords(security)}.`),
    ),
    inputs.form,
    panel.node,
    element(
      'section',
      { class: 'responses', 'aria-labelledby': 'responses' },
      element('h3', { id: 'responses' }, 'Responses'),
      ...Object.entries(operation.responses)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([status, response], index) => responseView(spec, status, response, !index && status < '4')),
    ),
  )
  return { node, stop: () => panel.stop() }
}

function responseView(
  spec: Spec,
  status: string,
  { description, headers = {}, content = {} }: OpenApiResponse,
  isOpen: boolean,
): HTMLElement {
  const names = Object.entries(headers)
  const media = sameTogether(content)
  const head = [
    element('strong', { 'data-kind': status[0]! }, status),
    element('span', {}, description.split('\n')[0]!),
  ]
  if (!names.length && !media.length) return element('p', { class: 'bare' }, ...head)
  return element(
    'details',
    { open: isOpen },
    element('summary', {}, ...head),
    description.includes('\n') && prose(description),
    ...media
      .flatMap(({ types, schema, examples }) => [
        element('p', { class: 'kind' }, types.join(', ')),
        schema && schemaView(spec, schema),
        ...examplesOf(spec, examples, schema, types),
      ])
      .filter((part) => part !== undefined),
    names.length > 0 && element('p', { class: 'kind' }, 'Headers'),
    names.length > 0 &&
      element(
        'ul',
        { class: 'members' },
        ...names.map(([name, header]) =>
          element(
            'li',
            {},
            element('p', {}, element('code', { class: 'name' }, name), ' ', facts(spec, header.schema as Schema)),
            prose(header.description),
          ),
        ),
      ),
  )
}

interface Media {
  readonly types: string[]
  readonly schema: Schema | undefined
  readonly examples: OpenApiMedia['examples']
}

// A schema that several media types share is shown once.
function sameTogether(content: { readonly [mediaType: string]: OpenApiMedia }): Media[] {
  const groups = new Map<string, Media>()
  for (const [type, { schema, examples }] of Object.entries(content)) {
    const key = JSON.stringify([schema, examples])
    const group = groups.get(key) ?? { types: [], schema: schema as Schema | undefined, examples }
    group.types.push(type)
    groups.set(key, group)
  }
  return [...groups.values()]
}

// The examples in the document, else one that is made from the schema.
function examplesOf(
  spec: Spec,
  given: Media['examples'],
  schema: Schema | undefined,
  types: readonly string[],
): HTMLElement[] {
  const made = schema && types.some((type) => /[/+]json$/.test(type)) ? { '': { value: exampleOf(spec, schema) } } : {}
  return Object.entries(given ?? made).map(([name, { summary, description, value }]: [string, ExampleNotes]) =>
    element(
      'details',
      { class: 'more' },
      element('summary', {}, ['Example', summary ?? name].filter(Boolean).join(': ')),
      prose(description),
      toBlock('Example', ...(typeof value === 'string' ? [value] : toJsonNodes(value ?? null))),
    ),
  )
}
