import type { OpenApiMedia, OpenApiResponse } from '../document.js'
import { inWords } from './credentials.js'
import { toDesk } from './desk.js'
import { element, prose, webLink } from './element.js'
import { toInputs } from './inputs.js'
import { facts, schemaView } from './schema-view.js'
import type { Entry, Schema, Spec } from './spec.js'

/** A method, in its colour. */
export const methodMark = (method: string): HTMLElement =>
  element('span', { class: 'method', 'data-method': method }, method)

/** A path that may be broken before each of its segments. */
export const pathText = (path: string): HTMLElement =>
  element('span', { class: 'path' }, ...path.split(/(?=\/)/).flatMap((part) => [element('wbr'), part]))

/** All of one operation: what it is, a form to try it, and its answers. */
export function operationView(spec: Spec, entry: Entry): { readonly node: HTMLElement; stop(): void } {
  const { operation, method, path, id } = entry
  const inputs = toInputs(spec, entry, () => desk.write())
  const desk = toDesk(entry, inputs)
  inputs.form.addEventListener('submit', (event) => {
    event.preventDefault()
    void desk.send()
  })
  inputs.form.addEventListener('keydown', ({ key, ctrlKey, metaKey }) => {
    if (key === 'Enter' && (ctrlKey || metaKey)) inputs.form.requestSubmit()
  })
  desk.write()
  const security = operation.security ?? spec.document.security
  const { externalDocs: docs } = operation
  const node = element(
    'article',
    { class: 'operation' },
    element(
      'header',
      {},
      element('h2', { id: 'title', tabindex: -1 }, operation.summary ?? id),
      element('p', { class: 'address' }, methodMark(method), ' ', pathText(path)),
      operation.deprecated && element('p', { class: 'old' }, 'Deprecated: it may go away.'),
      prose(operation.description),
      docs && element('p', {}, webLink(docs.url, docs.description ?? docs.url)),
      security.length > 0 && element('p', { class: 'hint' }, `Needs ${inWords(security)}.`),
    ),
    inputs.form,
    desk.node,
    element(
      'section',
      { class: 'answers', 'aria-labelledby': 'answers' },
      element('h3', { id: 'answers' }, 'Answers'),
      ...Object.entries(operation.responses)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([status, response], index) => answerView(spec, status, response, !index && status < '4')),
    ),
  )
  return { node, stop: () => desk.stop() }
}

function answerView(
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
      .flatMap(({ types, schema }) => [
        element('p', { class: 'kind' }, types.join(', ')),
        schema && schemaView(spec, schema),
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

// One schema under several media types is shown once.
function sameTogether(content: {
  readonly [mediaType: string]: OpenApiMedia
}): { types: string[]; schema: Schema | undefined }[] {
  const groups = new Map<string, { types: string[]; schema: Schema | undefined }>()
  for (const [type, { schema }] of Object.entries(content)) {
    const key = JSON.stringify(schema)
    const group = groups.get(key) ?? { types: [], schema: schema as Schema | undefined }
    group.types.push(type)
    groups.set(key, group)
  }
  return [...groups.values()]
}
