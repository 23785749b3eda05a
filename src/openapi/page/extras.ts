import { element, session } from './element.js'
import type { Spec } from './spec.js'

/** The base URL of requests, and headers that are not in the document. The browser stores both until the tab is closed. */
export interface Extras {
  readonly node: HTMLElement
  base(): string
  headers(): (readonly [string, string])[]
}

export function toExtras(spec: Spec): Extras {
  const [first = ''] = spec.bases
  const base = element('input', {
    type: 'text',
    id: 'base',
    list: 'bases',
    value: session.get('base') || first,
    placeholder: first,
  })
  const area = element('textarea', { id: 'more-headers', rows: 2, placeholder: 'x-name: value' })
  area.value = session.get('headers')
  base.addEventListener('input', () => session.set('base', base.value === first ? '' : base.value.trim()))
  area.addEventListener('input', () => session.set('headers', area.value))
  const bases = spec.bases.map((value) => element('option', { value }))
  return {
    node: element(
      'details',
      { class: 'more shared', open: !!area.value || base.value !== first },
      element('summary', {}, 'Base URL and more headers'),
      element(
        'div',
        { class: 'fields' },
        element(
          'div',
          { class: 'field' },
          element('label', { for: 'base' }, 'Base URL'),
          base,
          element('datalist', { id: 'bases' }, ...bases),
        ),
        element(
          'div',
          { class: 'field' },
          element('label', { for: 'more-headers' }, 'More headers, one per line'),
          area,
        ),
      ),
    ),
    base: () => (base.value.trim() || first).replace(/\/$/, ''),
    headers: () =>
      area.value.split('\n').flatMap((line) => {
        const [, name, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? []
        return name === undefined ? [] : [[name, value!] as const]
      }),
  }
}
