import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// Renamed, because the formatter formats templates called `html` as HTML.
import { html as markup } from '../../src/documents/index.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const isMissing = !existsSync(executablePath) && !process.env['CI']
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

describe.skipIf(isMissing)(
  isMissing
    ? `html in a browser (skipped: there is no ${executablePath}; CHROMIUM names another)`
    : 'html in a browser',
  () => {
    let browser: Browser
    let page: Page
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: flags.split(' ') })
      page = await browser.newPage()
    })
    afterAll(() => browser?.close())

    // HTML parsers change NUL and CR.
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

    it('renders each value in its place, and adds no other elements or attributes', async () => {
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

    it('creates no link whose URL runs a script', async () => {
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
