import { toCredentials } from './credentials.js'
import { element, session, webLink } from './element.js'
import { prose } from './markdown.js'
import { methodMark, pathText } from './operation-view.js'
import type { Entry, Spec } from './spec.js'

/** Returns the link to an operation on this page. */
export const linkTo = ({ id }: Entry): string => `#${encodeURIComponent(id)}`

/** Shows a group of operations that the reader can close. The browser stores which ones are closed until the tab is closed. */
export function toGroup(level: 'h2' | 'h3', name: string, ...children: Parameters<typeof element>[2][]): HTMLElement {
  const key = `closed:${level}:${name}`
  const details = element(
    'details',
    { open: !session.get(key) },
    element('summary', {}, element(level, {}, name)),
    ...children,
  )
  details.addEventListener('toggle', () => session.set(key, details.open ? '' : 'closed'))
  return element('section', { class: level === 'h3' && 'group' }, details)
}

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
    ...(spec.document['x-byway-errors'] ?? []).map((mistake) =>
      element('p', { class: 'mistake', role: 'alert' }, mistake),
    ),
    schemes.length > 0 &&
      element(
        'section',
        { class: 'form' },
        element('fieldset', {}, element('legend', {}, 'Authorization'), toCredentials(spec, schemes).node),
        element('p', { class: 'hint' }, 'Stored until you close this tab, and sent with your requests.'),
      ),
    ...spec.groups.map(({ name: group, entries }) =>
      toGroup(
        'h3',
        group,
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
                entry.mistake && element('span', { class: 'mistake' }, 'has a mistake'),
              ),
            ),
          ),
        ),
      ),
    ),
  )
}
