import type { SecurityRequirement, SecurityScheme } from '../../notes.js'
import { element, session } from './element.js'
import { prose } from './markdown.js'
import type { Spec } from './spec.js'

/** Headers and query parameters that credentials add to a request. */
export interface Credential {
  readonly headers: readonly (readonly [string, string])[]
  readonly query: readonly [string, string][]
}

const schemeOf = (spec: Spec, name: string): SecurityScheme | undefined => {
  const { securitySchemes = {} } = spec.document.components
  return Object.hasOwn(securitySchemes, name) ? securitySchemes[name] : undefined
}

/** Formats security requirements as text: `bearer, or key and session`. */
export const inWords = (requirements: readonly SecurityRequirement[]): string =>
  requirements
    .map((requirement) => {
      const names = Object.entries(requirement).map(([name, scopes]) =>
        scopes.length ? `${name} (${scopes.join(', ')})` : name,
      )
      return names.join(' and ') || 'no authorization'
    })
    .join(', or ')

const toBase64 = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))

/** Creates fields for security schemes. The browser stores their values until the tab is closed. */
export function toCredentials(
  spec: Spec,
  names: readonly string[],
): { readonly node: HTMLElement; read(): Credential } {
  const schemes = names.flatMap((name) => {
    const scheme = schemeOf(spec, name)
    return scheme ? [{ name, scheme }] : []
  })
  return {
    node: element('div', { class: 'fields shared' }, ...schemes.map(({ name, scheme }) => toNode(name, scheme))),
    read() {
      const headers: [string, string][] = []
      const query: [string, string][] = []
      for (const { name, scheme } of schemes) {
        const secret = session.get(name)
        if (!secret) continue
        if (scheme.type === 'apiKey') {
          if (scheme.in === 'header') headers.push([scheme.name, secret])
          else if (scheme.in === 'query') query.push([scheme.name, secret])
        } else if (scheme.type === 'http' && scheme.scheme.toLowerCase() === 'basic')
          headers.push(['Authorization', `Basic ${toBase64(secret)}`])
        else if (scheme.type === 'http' && scheme.scheme.toLowerCase() !== 'bearer')
          headers.push(['Authorization', `${scheme.scheme} ${secret}`])
        else if (scheme.type !== 'mutualTLS') headers.push(['Authorization', `Bearer ${secret}`])
      }
      return { headers, query }
    },
  }
}

function toNode(name: string, scheme: SecurityScheme): HTMLElement {
  const head = [element('code', { class: 'name' }, name), ' ', element('span', { class: 'facts' }, kindOf(scheme))]
  const [user = '', ...rest] = session.get(name).split(':')
  const isBasic = scheme.type === 'http' && scheme.scheme.toLowerCase() === 'basic'
  const input = (label: string, type: string, value: string): HTMLInputElement =>
    element('input', { 'aria-label': label, placeholder: label, type, value, autocomplete: 'off' })
  const inputs = isBasic
    ? [input('User', 'text', user), input('Password', 'password', rest.join(':'))]
    : isOfBrowser(scheme)
      ? []
      : [input(scheme.type === 'apiKey' ? 'Key' : 'Token', 'password', session.get(name))]
  for (const one of inputs)
    one.addEventListener('input', () => {
      const values = inputs.map(({ value }) => value.trim())
      session.set(name, values.some(Boolean) ? values.join(':') : '')
    })
  return element(
    'div',
    { class: 'field', role: 'group', 'aria-label': name },
    element('p', {}, ...head),
    prose(scheme.description),
    ...inputs,
    isOfBrowser(scheme) && element('p', { class: 'hint' }, sentByBrowser),
  )
}

/** The hint for what scripts cannot set. */
export const sentByBrowser = 'The browser sends it automatically if it is set.'

const isOfBrowser = (scheme: SecurityScheme): boolean =>
  scheme.type === 'mutualTLS' || (scheme.type === 'apiKey' && scheme.in === 'cookie')

function kindOf(scheme: SecurityScheme): string {
  if (scheme.type === 'http') return `${scheme.scheme}${scheme.bearerFormat ? ` · ${scheme.bearerFormat}` : ''}`
  return scheme.type === 'apiKey' ? `${scheme.in} ${scheme.name}` : scheme.type
}
