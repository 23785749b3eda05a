import { toCredentials } from './credentials.js'
import { element, prose, webLink } from './element.js'
import { methodMark, pathText } from './operation-view.js'
import type { Entry, Spec } from './spec.js'

/** Returns the link to an operation on this page. */
export const linkTo = ({ id }: Entry): string => `#${encodeURIComponent(id)}`

/** Shows the description of the API, its authorization, and all operations by group. */
export function overview(spec: Spec): HTMLElement {
  const { info, externalDocs: docs, components, tags = [] } = spec.document
  const schemes = Object.keys(components.securitySchemes ?? {})
  const { contact, license } = info
  const facts = [
    `version ${info.version}`,
    contact &&
      (contact.url
        ? webLink(contact.url, contact.name ?? contact.url)
        : [contact.name, contact.email].filter(Boolean).join(', ')),
    license && (license.url ? webLink(license.url, license.name) : license.name),
    docs && webLink(docs.url, docs.description ?? docs.url),
    element('a', { href: spec.url }, 'openapi.json'),
  ].filter((part) => part !== undefined && part !== '')
  return element(
    'article',
    { class: 'overview' },
    element(
      'header',
      {},
      element('h2', { id: 'title', tabindex: -1 }, info.title),
      element('p', { class: 'hint about' }, ...facts.map((fact) => element('span', {}, fact))),
      info.summary !== undefined && element('p', {}, info.summary),
      prose(info.description),
    ),
    schemes.length > 0 &&
      element(
        'section',
        { class: 'form' },
        element('fieldset', {}, element('legend', {}, 'Authorization'), toCredentials(spec, schemes).node),
        element('p', { class: 'hint' }, 'Stored until you close this tab, and sent with your requests.'),
      ),
    ...spec.groups.map(({ name: group, entries }) =>
      element(
        'section',
        { class: 'group' },
        element('h3', {}, group),
        prose(tags.find(({ name }) => name === group)?.description),
        element(
          'ul',
          {},
          ...entries.map((entry) =>
            element(
              'li',
              {},
              element(
                'a',
                { href: linkTo(entry) },
                methodMark(entry.method),
                pathText(entry.path),
                element('span', { class: 'hint' }, entry.operation.summary ?? ''),
              ),
            ),
          ),
        ),
      ),
    ),
  )
}
