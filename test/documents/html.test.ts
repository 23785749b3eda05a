import { describe, expect, it } from 'vitest'
// Renamed, because the formatter formats templates called `html` as HTML.
import { html as markup, Html, raw, type HtmlValue } from '../../src/documents/index.js'
import { route } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

const hostile = `<img src=x onerror="alert('1')"> & </p>`
const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt; &amp; &lt;/p&gt;'

/** Calls `html` with strings that a test generates. */
const make = (strings: readonly string[], ...values: HtmlValue[]): string =>
  String(markup(Object.assign([...strings], { raw: strings }), ...values))

describe('html', () => {
  it('escapes values in text and in attributes', () => {
    expect(String(markup`<p title="${hostile}" id='${hostile}'>${hostile}</p>`)).toBe(
      `<p title="${escaped}" id='${escaped}'>${escaped}</p>`,
    )
    expect(String(markup`<title>${hostile}</title><textarea a="${1}">${hostile}</textarea>`)).toBe(
      `<title>${escaped}</title><textarea a="1">${escaped}</textarea>`,
    )
  })

  it('inserts markup unescaped, joins arrays, and leaves out only null, undefined and booleans', () => {
    const items = ['a', '<b>', 3, 4n, 0, '', null, undefined, true, false, markup`<i>${'<'}</i>`, [raw('<hr>'), ['x']]]
    expect(String(markup`<ul>${items}</ul>`)).toBe('<ul>a&lt;b&gt;340<i>&lt;</i><hr>x</ul>')
    expect(String(markup`<a title="${['a', 1, null, ['"']]}">`)).toBe('<a title="a1&quot;">')
    expect(String(markup`${markup`<b>${markup`${'&'}`}</b>`}`)).toBe('<b>&amp;</b>')
    expect(markup`a`).toBeInstanceOf(Html)
    expect(JSON.stringify(String(markup``))).toBe('""')
  })

  it('returns markup that reply.html() sends, with its values escaped', async () => {
    const page = route('/[name]').get((_request, { params }) =>
      reply.html(String(markup`<!doctype html><p>${params.name}</p>`)),
    )
    const response = await page.GET(new Request('http://test/%3Cb%3E'))
    expect(response.headers.get('content-type')).toBe('text/html;charset=UTF-8')
    expect(await response.text()).toBe('<!doctype html><p>&lt;b&gt;</p>')
  })

  it('allows relative, http, mailto and tel URLs, and replaces other schemes with about:invalid', () => {
    for (const address of [
      'https://a.example/?b=c',
      'HTTP://a.example',
      'mailto:a@b.example',
      'tel:+1',
      '/a:b',
      'a/b:c',
      '?a:b',
      '#a:b',
      '//a.example',
      '.',
      '',
      'a b',
    ])
      expect(String(markup`<a href="${address}">`)).toBe(`<a href="${address}">`)
    for (const address of [
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      ' javascript:alert(1)',
      '\0\u0001javascript:alert(1)',
      'java\nscript:alert(1)',
      'j\ta\rv\nascript\n:alert(1)',
      'vbscript:a',
      'data:text/html,a',
      'blob:https://a',
      'javascript&colon;alert(1)'.replace('&colon;', ':'),
      ':a',
    ]) {
      for (const made of [
        markup`<a href="${address}">`,
        markup`<a HREF = ' ${address}'>`,
        markup`<form action="${address}">`,
        markup`<button formaction="${address}">`,
        markup`<img src="${address}">`,
        markup`<svg><a xlink:href="${address}"></a></svg>`,
      ])
        expect([address, String(made)]).toEqual([address, expect.stringContaining('about:invalid')])
    }
    // If the scheme cannot change, the value is only data.
    expect(String(markup`<a href="/a?to=${'javascript:b'}&amp;c=${'d:e'}">`)).toBe(
      '<a href="/a?to=javascript:b&amp;c=d:e">',
    )
    expect(String(markup`<a href="${'/a'}/${'b:c'}">`)).toBe('<a href="/a/b:c">')
    expect(String(markup`<a href="java${'script:alert(1)'}">`)).toBe('<a href="javaabout:invalid">')
    expect(String(markup`<a title="${'javascript:b'}">`)).toBe('<a title="javascript:b">')
    expect(String(markup`<a href="${['java', 'script:a']}">`)).not.toContain('javascript:')
  })

  it.each<[strings: string[], message: string]>([
    [['<a title=', '>'], 'html: a value is in an attribute, after "<a title="; put quotes around it'],
    [['<a title=b', '>'], 'put quotes around it'],
    [['<a ', '>'], 'html: a value is in a tag, after "<a "; put it in text or in a quoted attribute value'],
    [['<a b="c"', '>'], 'a value is in a tag'],
    [['<a b', '="c">'], 'a value is in a tag'],
    [['<', '>'], 'a value is in a tag'],
    [['</', '>'], 'a value is in a tag'],
    [['<a', '>'], 'a value is in a tag'],
    [['</a ', '>'], 'a value is in a tag'],
    [['<!', '>'], 'a value is in a tag'],
    [['<!-', '-->'], 'a value is in a tag'],
    [['<!-- ', ' -->'], 'a value is in a comment'],
    [['<!doctype ', '>'], 'a value is in a declaration'],
    [['<?', '>'], 'a value is in a tag'],
    [['<script>', '</script>'], 'a value is in <script>'],
    [['<script type="application/json">{"a":"', '"}</script>'], 'a value is in <script>'],
    [['<SCRIPT>a</b>', '</script>'], 'a value is in <script>'],
    [['<style>a { b: ', ' }</style>'], 'a value is in <style>'],
    [['<iframe>', '</iframe>'], 'a value is in <iframe>'],
    [['<title></ti', '></title>'], 'a value is in a tag'],
    [['<textarea></textarea ', '>'], 'a value is in a tag'],
    [['<a onclick="', '">'], 'a value is in the attribute onclick, after'],
    [
      ['<a OnClick="b(\'', '\')">'],
      'leave it out, because this attribute is code and escaping does not make code safe',
    ],
    [["<a style='", "'>"], 'this attribute is code'],
    [['<iframe srcdoc="', '">'], 'this attribute is code'],
    [['<img srcset="', '">'], 'this attribute is code'],
    [['<a href="', '', '">'], 'pass the URL up to its first slash as one value'],
    [
      ['<a href="', ':alert(1)">'],
      'a value is the URL scheme of the attribute href; pass the scheme and the rest of the URL as one value',
    ],
    [['<a href="', ':', '">'], 'a value is the URL scheme of the attribute href'],
    [['<a title="b'], 'html: the template ends in the attribute title; close it'],
    [['<a title="', ''], 'the template ends in the attribute title; close it'],
    [['<a '], 'the template ends in a tag; close it'],
    [['<p>a<b'], 'the template ends in a tag; close it'],
    [['<!-- a'], 'the template ends in a comment; close it'],
    [['<script>a'], 'the template ends in <script>; close it'],
    [['<script><!-- <script></script>'], 'a <script> contains <!--'],
    [['<svg><![CDATA[a]]></svg>'], 'CDATA is parsed differently in HTML and in SVG'],
  ])('throws a TypeError for the template %j', (strings, message) => {
    const values = strings.slice(1).map(() => 'a')
    expect(() => make(strings, ...values)).toThrow(TypeError)
    expect(() => make(strings, ...values)).toThrow(message)
  })

  it.each<[strings: string[]]>([
    [['a < b && ', '']],
    [['1 <2> ', '']],
    [['<>', '</>', '']],
    [['<!-- a "<b> --', '!>', ''].slice(0, 1).map((text) => `${text}>`)],
    [['<!--><p>', '</p>']],
    [['<!--a--!>', '']],
    [['<!doctype html><p>', '']],
    [['<script>if (a < b && "</p>") c()</script>', '']],
    [['<style>a > b {}</style >', '']],
    [['<br/>', '<br / >', '']],
    [['<input disabled value="', '" checked>', '']],
    [["<a b c=d e = 'f' g=\"", '"/>', '']],
    [['<a =b="', '">']],
    [['<a b=>', '']],
    [['<a b=c/d/>', '']],
    [['<my-element some:attr="', '">', '</my-element>']],
    [['</p a="b>">', '']],
  ])('accepts the template %j', (strings) => {
    const values = strings.slice(1).map(() => '<')
    expect(make(strings, ...values)).toBe(strings.join('&lt;'))
  })

  it('throws for markup in an attribute, and for objects, functions and symbols', () => {
    expect(() => markup`<a title="${markup`<b>`}">`).toThrow('html: markup is in the attribute title; pass a string')
    for (const [value, kind] of [
      [{}, 'an object'],
      [() => 'a', 'a function'],
      [Symbol('a'), 'a symbol'],
      [Promise.resolve('a'), 'an object'],
      [new Date(0), 'an object'],
    ] as const)
      expect(() => markup`${value as never}`).toThrow(
        `html takes strings, numbers, markup and arrays of them, not ${kind}`,
      )
  })
})
