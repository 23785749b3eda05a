import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// By another name, since what is called `html` is formatted as such.
import { html as markup, Html, raw, type HtmlValue } from '../../src/documents/index.js'
import { route } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

const hostile = `<img src=x onerror="alert('1')"> & </p>`
const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt; &amp; &lt;/p&gt;'

/** A template whose texts and values are made by a test. */
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

  it('keeps markup, joins lists, and leaves nothing out but what is nothing', () => {
    const items = ['a', '<b>', 3, 4n, 0, '', null, undefined, true, false, markup`<i>${'<'}</i>`, [raw('<hr>'), ['x']]]
    expect(String(markup`<ul>${items}</ul>`)).toBe('<ul>a&lt;b&gt;340<i>&lt;</i><hr>x</ul>')
    expect(String(markup`<a title="${['a', 1, null, ['"']]}">`)).toBe('<a title="a1&quot;">')
    expect(String(markup`${markup`<b>${markup`${'&'}`}</b>`}`)).toBe('<b>&amp;</b>')
    expect(markup`a`).toBeInstanceOf(Html)
    expect(JSON.stringify(String(markup``))).toBe('""')
  })

  it('is sent by a route', async () => {
    const page = route('/[name]').get((_request, { params }) =>
      reply.html(String(markup`<!doctype html><p>${params.name}</p>`)),
    )
    const response = await page.GET(new Request('http://test/%3Cb%3E'))
    expect(response.headers.get('content-type')).toBe('text/html;charset=UTF-8')
    expect(await response.text()).toBe('<!doctype html><p>&lt;b&gt;</p>')
  })

  it('lets through addresses of the web and relative ones, and none that run', () => {
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
    // Where the scheme is settled, the rest is data.
    expect(String(markup`<a href="/a?to=${'javascript:b'}&amp;c=${'d:e'}">`)).toBe(
      '<a href="/a?to=javascript:b&amp;c=d:e">',
    )
    expect(String(markup`<a href="${'/a'}/${'b:c'}">`)).toBe('<a href="/a/b:c">')
    expect(String(markup`<a href="java${'script:alert(1)'}">`)).toBe('<a href="javaabout:invalid">')
    expect(String(markup`<a title="${'javascript:b'}">`)).toBe('<a title="javascript:b">')
    expect(String(markup`<a href="${['java', 'script:a']}">`)).not.toContain('javascript:')
  })

  it.each<[strings: string[], message: string]>([
    [['<a title=', '>'], 'html: a value stands in an attribute, after "<a title="; put quotes around it'],
    [['<a title=b', '>'], 'put quotes around it'],
    [
      ['<a ', '>'],
      'html: a value stands in a tag, after "<a "; it may stand in text and in quoted values of attributes',
    ],
    [['<a b="c"', '>'], 'a value stands in a tag'],
    [['<a b', '="c">'], 'a value stands in a tag'],
    [['<', '>'], 'a value stands in a tag'],
    [['</', '>'], 'a value stands in a tag'],
    [['<a', '>'], 'a value stands in a tag'],
    [['</a ', '>'], 'a value stands in a tag'],
    [['<!', '>'], 'a value stands in a tag'],
    [['<!-', '-->'], 'a value stands in a tag'],
    [['<!-- ', ' -->'], 'a value stands in a comment'],
    [['<!doctype ', '>'], 'a value stands in a declaration'],
    [['<?', '>'], 'a value stands in a tag'],
    [['<script>', '</script>'], 'a value stands in <script>'],
    [['<script type="application/json">{"a":"', '"}</script>'], 'a value stands in <script>'],
    [['<SCRIPT>a</b>', '</script>'], 'a value stands in <script>'],
    [['<style>a { b: ', ' }</style>'], 'a value stands in <style>'],
    [['<iframe>', '</iframe>'], 'a value stands in <iframe>'],
    [['<title></ti', '></title>'], 'a value stands in a tag'],
    [['<textarea></textarea ', '>'], 'a value stands in a tag'],
    [['<a onclick="', '">'], 'a value stands in the attribute onclick, after'],
    [['<a OnClick="b(\'', '\')">'], 'what stands there is code, which escaping does not make safe'],
    [["<a style='", "'>"], 'what stands there is code'],
    [['<iframe srcdoc="', '">'], 'what stands there is code'],
    [['<img srcset="', '">'], 'what stands there is code'],
    [['<a href="', '', '">'], 'make one value of the address up to its first slash'],
    [['<a href="', ':alert(1)">'], 'a value is the scheme of the attribute href; make it part of the value'],
    [['<a href="', ':', '">'], 'a value is the scheme of the attribute href'],
    [['<a title="b'], 'html: the template ends in the attribute title; close it'],
    [['<a title="', ''], 'the template ends in the attribute title; close it'],
    [['<a '], 'the template ends in a tag; close it'],
    [['<p>a<b'], 'the template ends in a tag; close it'],
    [['<!-- a'], 'the template ends in a comment; close it'],
    [['<script>a'], 'the template ends in <script>; close it'],
    [['<script><!-- <script></script>'], 'a <script> with <!-- in it'],
    [['<svg><![CDATA[a]]></svg>'], 'CDATA means something else in each place'],
  ])('refuses %j', (strings, message) => {
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
  ])('takes %j', (strings) => {
    const values = strings.slice(1).map(() => '<')
    expect(make(strings, ...values)).toBe(strings.join('&lt;'))
  })

  it('refuses markup in an attribute, and what has no text', () => {
    expect(() => markup`<a title="${markup`<b>`}">`).toThrow(
      'html: markup stands in the attribute title; put text there',
    )
    for (const [value, kind] of [
      [{}, 'an object'],
      [() => 'a', 'a function'],
      [Symbol('a'), 'a symbol'],
      [Promise.resolve('a'), 'an object'],
      [new Date(0), 'an object'],
    ] as const)
      expect(() => markup`${value as never}`).toThrow(`html takes text, numbers, markup and lists of them, not ${kind}`)
  })
})

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const isMissing = !existsSync(executablePath) && !process.env['CI']
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

describe.skipIf(isMissing)(
  isMissing
    ? `html in a browser (skipped: there is no ${executablePath}; CHROMIUM names another)`
    : 'html in a browser',
  { timeout: 60_000 },
  () => {
    let browser: Browser
    let page: Page
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: flags.split(' ') })
      page = await browser.newPage()
    }, 60_000)
    afterAll(() => browser?.close())

    // What a parser makes of NUL, CR and halves of characters is not what was written.
    const value = fc
      .array(
        fc.oneof(
          fc.constantFrom(
            '<',
            '>',
            '"',
            "'",
            '&',
            '</p>',
            '<!--',
            '-->',
            '</textarea>',
            '</title>',
            '<script>',
            'javascript:',
            '&lt;',
            '&#34',
            '`',
            '=',
            '/',
          ),
          fc.string({ maxLength: 4 }),
        ),
        { maxLength: 8 },
      )
      .map((parts) => parts.join('').replace(/[\0\r]/g, ''))

    it('shows each value where it was put, and nothing else', async () => {
      const samples = fc.sample(fc.tuple(value, value, value, value), 1_500)
      const made = samples.map(([a, b, c, d]) =>
        String(
          markup`<p title="${a}" lang='x${b}y'>${c}</p><textarea>.${d}</textarea><p>${[a, markup`<b>${b}</b>`, c]}</p><i class="${c} ${d}"></i>`,
        ),
      )
      const seen = await page.evaluate(
        (made) =>
          made.map((text) => {
            const { body } = new DOMParser().parseFromString(`<!doctype html><body>${text}`, 'text/html')
            const [first, area, second, last] = body.children as unknown as [
              HTMLElement,
              HTMLTextAreaElement,
              HTMLElement,
              HTMLElement,
            ]
            return {
              tree: Array.from(body.querySelectorAll('*'), ({ tagName, attributes }) =>
                [tagName, ...Array.from(attributes, ({ name }) => name)].join(' '),
              ).join(),
              values: [
                first.title,
                first.lang,
                first.textContent,
                area.value,
                second.textContent,
                second.firstElementChild!.textContent,
                last.className,
              ],
            }
          }),
        made,
      )
      for (const [index, [a, b, c, d]] of samples.entries())
        expect(seen[index]).toEqual({
          tree: 'P title lang,TEXTAREA,P,B,I class',
          values: [a, `x${b}y`, c, `.${d}`, a + b + c, b, `${c} ${d}`],
        })
    })

    it('makes no link that runs', async () => {
      const part = fc.constantFrom(
        'java',
        'script',
        'javascript',
        ':',
        '\n',
        '\t',
        ' ',
        '\u0001',
        'JAVA',
        'data',
        'https',
        '/',
        '//',
        'a',
        '&colon;',
        '&#58;',
        '#',
      )
      const samples = fc.sample(
        fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
        3_000,
      )
      const made = samples.map((address) => String(markup`<a href="${address}">a</a><a href="java${address}">b</a>`))
      const protocols = await page.evaluate(
        (made) =>
          made.flatMap((text) => {
            const { body } = new DOMParser().parseFromString(text, 'text/html')
            return Array.from(body.querySelectorAll('a'), (link) => {
              const address = link.getAttribute('href')!
              const base = 'https://base.example'
              return URL.canParse(address, base) ? new URL(address, base).protocol : 'none'
            })
          }),
        made,
      )
      expect(protocols).toHaveLength(6_000)
      expect(protocols.filter((protocol) => !/^(?:https:|about:|javaabout:|none)$/.test(protocol))).toEqual([])
      for (const protocol of ['https:', 'about:', 'javaabout:'])
        expect(protocols.filter((one) => one === protocol).length).toBeGreaterThan(100)
    })
  },
)
