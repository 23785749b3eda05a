import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { html, viewport, type Viewport } from '../../src/documents/index.js'

describe('viewport()', () => {
  it.each([
    [{}, '<meta name="viewport" content="width=device-width, initial-scale=1" />'],
    [
      { width: 'device-width', initialScale: 1, maximumScale: 1, userScalable: false },
      '<meta name="viewport" content="width=device-width, initial-scale=1, maximum-scale=1, user-scalable=no" />',
    ],
    [
      {
        width: 500,
        height: 'device-height',
        minimumScale: 0.5,
        userScalable: true,
        viewportFit: 'cover',
        interactiveWidget: 'resizes-visual',
      },
      '<meta name="viewport" content="width=500, height=device-height, initial-scale=1, minimum-scale=0.5, user-scalable=yes, viewport-fit=cover, interactive-widget=resizes-visual" />',
    ],
    [{ themeColor: 'black' }, '<meta name="theme-color" content="black" />'],
    [
      {
        themeColor: [
          { media: '(prefers-color-scheme: light)', color: 'cyan' },
          { media: '(prefers-color-scheme: dark)', color: 'black' },
        ],
      },
      '<meta name="theme-color" media="(prefers-color-scheme: light)" content="cyan" /><meta name="theme-color" media="(prefers-color-scheme: dark)" content="black" />',
    ],
    [{ themeColor: { color: 'red' } }, '<meta name="theme-color" content="red" />'],
    [{ colorScheme: 'dark' }, '<meta name="color-scheme" content="dark" />'],
  ] as [Viewport, string][])('writes the elements of %j', (given, expected) => {
    expect(String(viewport(given))).toContain(expected)
  })

  it('can be inserted into html`…`', () => {
    const head = html`<title>Shop</title>${viewport({ colorScheme: 'dark' })}`
    expect(String(head)).toBe(`<title>Shop</title>${String(viewport({ colorScheme: 'dark' }))}`)
  })

  it('escapes every value', () =>
    fc.assert(
      fc.property(fc.string(), fc.string(), (color, media) => {
        const text = String(viewport({ themeColor: [{ color, media }] }))
        expect(text.match(/</g)).toHaveLength(2)
        expect(text.match(/"/g)).toHaveLength(10)
      }),
    ))

  it('throws for a property that does not exist', () => {
    expect(() => viewport({ themColor: 'red' } as never)).toThrow(/no property 'themColor'/)
  })
})
