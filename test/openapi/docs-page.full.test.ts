import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serve } from '../../src/node.js'
import { app, hostile } from '../fixtures/docs.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
// In CI, a missing browser is a failure.
const isMissing = !existsSync(executablePath) && !process.env['CI']
if (isMissing)
  console.warn(`the page of docs() is not tested: ${executablePath} does not exist; set CHROMIUM to another path`)
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

describe.skipIf(isMissing)('the page of docs()', () => {
  let server: ReturnType<typeof serve>
  let browser: Browser
  let page: Page
  let errors: string[]
  let home: string

  beforeAll(async () => {
    server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
    await server.ready
    home = `${server.url}/api/docs`
    browser = await chromium.launch({ executablePath, args: flags.split(' ') })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })
  const open = async (options: Parameters<Browser['newPage']>[0] = {}): Promise<void> => {
    page = await browser.newPage(options)
    errors = []
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('console', (message) => {
      // Chromium logs each response with a status of 400 or more.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load')) errors.push(message.text())
    })
    page.on('dialog', (dialog) => errors.push(dialog.message()))
  }
  beforeEach(() => open())
  afterEach(async () => {
    await page.close()
    expect(errors).toEqual([])
  })

  const show = async (operation = ''): Promise<void> => {
    await page.goto(operation ? `${home}#${operation}` : home)
    await page.waitForSelector('#title')
  }
  const choose = async (operation: string): Promise<void> => {
    await page.click(`nav a[href="#${operation}"]`)
    await page.waitForSelector(`nav a[href="#${operation}"][aria-current]`)
  }
  const field = (name: string) => page.getByLabel(new RegExp(`^${name.replace('.', '\\.')}\\b`)).first()
  const status = async (): Promise<string> => (await page.waitForSelector('.outcome strong')).innerText()
  const send = async (): Promise<string> => {
    await page.evaluate(() => document.querySelector('.outcome')!.replaceChildren())
    await page.click('.send')
    return status()
  }
  const json = async (): Promise<unknown> => JSON.parse(await page.innerText('.response-body .block'))
  const curl = () => page.innerText('.curl code')

  it('lists operations by tag, else by path, and escapes all text', async () => {
    await show()
    expect(await page.title()).toBe('Items')
    const groups = await page
      .locator('nav section')
      .evaluateAll((sections) =>
        sections.map((section) => [
          section.querySelector('h2')!.textContent,
          ...Array.from(section.querySelectorAll('a'), (link) => link.textContent),
        ]),
      )
    expect(groups).toEqual([
      ['Items', 'GET/api/items', 'POST/api/items', 'GET/api/items/{slug}', 'DELETE/api/items/{slug}'],
      ['Photos', 'GET/api/items/{slug}/photo', 'POST/api/items/{slug}/photo'],
      ['files', 'PUT/api/files/{path}'],
      ['events', 'GET/api/events'],
      ['rows', 'GET/api/rows'],
      ['note', 'POST/api/note'],
      ['report', 'POST/api/report'],
      ['subscribe', 'POST/api/subscribe'],
      ['broken', 'POST/api/broken'],
    ])
    expect(await page.innerText('main header')).toContain(hostile)
    await choose('getItems')
    expect(await page.innerText('main header')).toContain(hostile)
    await expect.poll(() => page.locator('main :is(img, script, [href^="javascript"])').count()).toBe(0)
  })

  it('sends a GET with a query and a header, and shows it as a curl command', async () => {
    await show('getItems')
    expect(await curl()).toBe(`curl ${home.replace('docs', 'items')}`)
    await field('q').fill("sea's")
    await page.selectOption('select', 'price')
    await field('tag').fill('one\ntwo')
    await page.getByLabel('blue').check()
    await field('x-trace').fill('abc')
    expect(await curl()).toBe(
      `curl '${home.replace('docs', 'items')}?q=sea%27s&sort=price&tag=one&tag=two&color=blue' \\\n  -H 'x-trace: abc'`,
    )
    expect(await send()).toBe('200 OK')
    expect(await json()).toMatchObject({
      items: [{ slug: 'sea-foam' }],
      seen: { query: { q: "sea's", sort: 'price', tag: ['one', 'two'], color: ['blue'], page: 1 }, trace: 'abc' },
    })
    expect(await page.innerText('.outcome')).toMatch(/200 OK\s+\d+ ms\s+\d+ B/)
    await page.click('.panel summary')
    expect(await page.innerText('.panel dl')).toContain('application/json')
  })

  it('shows validation errors of a query and a header at their fields', async () => {
    await show('getItems')
    await field('page').fill('0')
    await field('x-trace').fill('x'.repeat(21))
    expect(await send()).toBe('400 Bad Request')
    await page.waitForSelector('[aria-invalid]')
    const wrong = () =>
      page
        .locator('[aria-invalid]')
        .evaluateAll((fields) =>
          fields.map((one) => document.getElementById(one.getAttribute('aria-describedby')!)!.innerText),
        )
    expect(await wrong()).toEqual([expect.stringMatching(/^\/page .*>=1/)])
    await field('page').fill('2')
    expect(await send()).toBe('400 Bad Request')
    await page.waitForSelector('[aria-invalid]')
    expect(await wrong()).toEqual([expect.stringMatching(/^\/x-trace /)])
    await field('x-trace').fill('short')
    expect(await send()).toBe('200 OK')
    await expect.poll(() => page.locator('[aria-invalid]').count()).toBe(0)
  })

  it('sends a valid example body, and shows the validation errors of an invalid one', async () => {
    await show('addItem')
    const example = JSON.parse(await page.inputValue('textarea.json')) as object
    expect(example).toMatchObject({ slug: 'sea-foam', price: { currency: 'EUR' }, category: { name: 'text' } })
    expect(await send()).toBe('201 Created')
    expect(await json()).toMatchObject(example)

    await page.fill('textarea.json', '{ "slug": "Sea", "price": { "amount": -1 } }')
    expect(await send()).toBe('400 Bad Request')
    await page.click('text=Go to the first error')
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA')
    const pointers = await page.locator('.mistakes:visible code').allInnerTexts()
    expect(pointers).toEqual(['/slug', '/name', '/price/amount'])

    await page.fill('textarea.json', '{ "slug" ')
    expect(await page.innerText('.body-field .hint')).toContain('This is not valid JSON')
    expect(await send()).toBe('400 Bad Request')
  })

  it('shows recursive schemas once, and nested ones when they are opened', async () => {
    await show('addItem')
    const body = await page.innerText('.body-field .schema')
    for (const text of [
      'price MoneyInput required',
      'amount number required ≥ 0',
      '"EUR" "USD" "SEK"',
      '1 to 60 characters',
      'children array of Category required',
    ])
      expect(body.replace(/\s+/g, ' ')).toContain(text)
    await choose('getItems')
    const details = page.locator('.responses li details', { hasText: 'price' }).first()
    expect(await details.innerText()).not.toContain('amount')
    await details.locator('summary').click()
    await expect.poll(() => details.innerText()).toContain('amount')
  })

  it('sends a form with a file, and shows errors at its fields', async () => {
    await show('uploadPhoto')
    await field('slug').fill('sea foam/1')
    await page.click('.send')
    expect(await page.locator('.mistakes:visible').allInnerTexts()).toEqual(['Choose a file.', 'Enter a value.'])
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).type)).toBe('file')
    await page.setInputFiles('input[type=file]', { name: 'one.png', mimeType: 'image/png', buffer: png })
    await field('alt').fill('a'.repeat(21))
    expect(await send()).toBe('400 Bad Request')
    await page.waitForSelector('[aria-invalid]')
    expect(await page.innerText('.mistakes:visible code')).toBe('/alt')
    await field('alt').fill('@sea')
    expect(await curl()).toContain(`/items/sea%20foam%2F1/photo \\\n  -F photo=@one.png \\\n  --form-string alt=@sea`)
    expect(await send()).toBe('200 OK')
    expect(await json()).toEqual({ name: 'one.png', size: png.length, alt: '@sea' })
  })

  it('sends a file as the body to a path with a catch-all', async () => {
    await show('putFile')
    await field('path').fill('a b/../c')
    await page.click('.send')
    expect(await page.innerText('.mistake')).toContain('a URL cannot have')
    await field('path').fill('a b/c')
    await page.setInputFiles('[aria-label="Body as a file"]', { name: 'a.bin', mimeType: 'image/png', buffer: png })
    expect(await send()).toBe('200 OK')
    expect(await json()).toEqual({ path: ['a b', 'c'], type: 'image/png', size: png.length })
  })

  it('sends a text body, and shows a text response without parsing markup', async () => {
    await show('note')
    await page.fill('[aria-label="Body as text"]', '<b>bold</b>')
    expect(await send()).toBe('200 OK')
    expect(await page.innerText('.response-body .block')).toBe('<b>bold</b>')
  })

  it('shows events as they arrive, until the user stops them', async () => {
    await show('follow')
    await page.click('.send')
    await expect.poll(() => page.locator('.items li').count()).toBeGreaterThan(2)
    expect(await page.locator('.items li').first().innerText()).toBe('tick · 1\n{\n  "number": 1\n}')
    await page.click('text=Stop')
    await expect.poll(() => page.innerText('.outcome')).toMatch(/\d+ items, stopped$/)
    expect(await page.isVisible('text=Stop')).toBe(false)
    const count = await page.locator('.items li').count()
    await page.waitForTimeout(200)
    await expect.poll(() => page.locator('.items li').count()).toBe(count)

    await field('count').fill('2')
    await send()
    await expect.poll(() => page.innerText('.outcome')).toMatch(/2 items, complete$/)
  })

  it('shows JSON lines as separate items', async () => {
    await show('rows')
    await send()
    await expect.poll(() => page.locator('.items li').allInnerTexts()).toEqual(['{\n  "row": 1\n}', '{\n  "row": 2\n}'])
  })

  it('shows an image, and downloads it as a file', async () => {
    await show('getPhoto')
    await field('slug').fill('sea-foam')
    expect(await send()).toBe('200 OK')
    await page.waitForSelector('canvas[width="1"]')
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Save photo')])
    expect(download.suggestedFilename()).toMatch(/^photo/)
  })

  it('stores a token until the tab is closed, and sends it to operations that require it', async () => {
    await show('deleteItem')
    expect(await page.innerText('main header')).toContain('Requires bearer, or key.')
    await field('slug').fill('sea-foam')
    expect(await send()).toBe('401 Unauthorized')
    expect(await page.innerText('.notes')).toContain('Send a token.')
    await page.getByRole('group', { name: 'bearer' }).getByLabel('Token').fill('demo')
    expect(await curl()).toContain("-H 'Authorization: Bearer demo'")
    expect(await send()).toBe('204 No Content')
    await page.reload()
    await field('slug').fill('sea-foam')
    expect(await send()).toBe('204 No Content')
    await page.getByRole('group', { name: 'bearer' }).getByLabel('Token').fill('')
    await page.getByRole('group', { name: 'key' }).getByLabel('Key').fill('demo')
    expect(await curl()).toContain('?api_key=demo')
    expect(await send()).toBe('204 No Content')
    await choose('getItems')
    expect(await curl()).not.toContain('demo')
  })

  it('sends requests to another base URL, with more headers', async () => {
    await show('getItems')
    await page.click('text=Base URL and more headers')
    await page.fill('#more-headers', 'x-trace: mine')
    await page.fill('#base', `${server.url}/nowhere/`)
    expect(await send()).toBe('404 Not Found')
    await page.fill('#base', '')
    expect(await send()).toBe('200 OK')
    expect(await json()).toMatchObject({ seen: { trace: 'mine' } })
    await page.fill('#base', 'https://elsewhere.example')
    await page.evaluate(() => document.querySelector('.outcome')!.replaceChildren())
    await page.click('.send')
    await expect.poll(() => page.innerText('.mistake')).toContain('the browser does not allow requests to this URL')
    // Chromium logs that the Content-Security-Policy blocks the request.
    for (const error of errors.splice(0)) expect(error).toContain('Content Security Policy')
  })

  it('fills a field with the last value of a field with the same name', async () => {
    await show('getItem')
    await field('slug').fill('sea-foam')
    await choose('deleteItem')
    expect(await field('slug').inputValue()).toBe('sea-foam')
  })

  it('finds operations by words, and works with the keyboard alone', async () => {
    await show()
    await page.keyboard.press('/')
    await page.keyboard.type('photo upload')
    expect(await page.locator('nav a:visible').allInnerTexts()).toEqual([expect.stringContaining('POST')])
    await page.keyboard.press('Enter')
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('title')
    expect(await page.title()).toBe('Upload a photo · Items')
    await page.keyboard.press('/')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('nav a:visible').count()).toBe(13)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('POST/api/items')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.title()).toBe('Add an item · Items')

    await show('getItem')
    await page.keyboard.press('Tab')
    const seen = new Set<string>()
    for (let presses = 0; presses < 40; presses++) {
      const focused = await page.evaluate(() => {
        const { activeElement: one } = document
        const { outlineStyle, outlineWidth } = getComputedStyle(one!)
        return [one!.id || one!.className || one!.tagName, one === document.body || `${outlineStyle} ${outlineWidth}`]
      })
      if (focused[1] !== true) expect(focused).toEqual([focused[0], 'solid 2px'])
      seen.add(String(focused[0]))
      await page.keyboard.press('Tab')
    }
    for (const name of ['skip', 'search', 'send']) expect(seen).toContain(name)
  })

  it('renders the Markdown of descriptions, and shows HTML and scripts as text', async () => {
    await show('report')
    const html = await page.locator('header .prose').innerHTML()
    const link = (href: string, text: string) => `<a href="${href}" rel="noreferrer" target="_blank">${text}</a>`
    expect(html.split(/(?<=<\/(?:h4|p|ul|blockquote|pre)>)(?=<(?:h4|p|ul|blockquote|pre)[ >])/)).toEqual([
      '<h4>A report</h4>',
      `<p>Lines of one\nparagraph with <strong>bold</strong>, <em>slanted</em> and <code>code</code>, ${link('https://guide.example/a_b_c', 'a guide')} and ${link('https://auto.example', 'https://auto.example')}.</p>`,
      '<ul><li><p>one\ngoes on</p></li><li><p>two</p><ol start="1"><li><p>nested</p></li></ol></li></ul>',
      '<blockquote><p>quoted</p></blockquote>',
      '<pre class="block">{ "a": "&lt;b&gt;" }</pre>',
      '<p>A snake_case_name, 2 * 3 * 4, *no emphasis*, [bad](javascript:alert(1)).</p>',
    ])
  })

  it('shows closed tuples, deprecated parameters, cookies and the mistake of a broken operation', async () => {
    await show('report')
    const form = (await page.innerText('.form')).replace(/\s+/g, ' ')
    for (const text of ['corner array required', '0 string required', '1 number required', 'nothing array'])
      expect(form).toContain(text)
    expect(form).toMatch(/x-old string deprecated/)
    expect(form).toMatch(/theme string The colors of the report\. The browser sends it automatically/)
    await choose('broken')
    expect(await page.innerText('.mistake')).toContain('POST /api/broken: the body at /at must be of type Date')
    expect(await page.innerText('#title')).toBe('Broken')
    await expect.poll(() => page.locator('.send').count()).toBe(0)
    await choose('getItems')
    expect(await send()).toBe('200 OK')
  })

  it('flags all empty required fields together, and sends an optional form without fields', async () => {
    await show('report')
    await page.fill('textarea.json', '')
    await page.click('.send')
    expect(await page.locator('.mistakes:visible').allInnerTexts()).toEqual(Array(3).fill('Enter a value.'))
    expect(await page.evaluate(() => document.activeElement?.id)).toBe(await field('year').getAttribute('id'))
    await field('year').fill('2026')
    await page.click('.send')
    await expect.poll(() => page.locator('.mistakes:visible').count()).toBe(2)
    await choose('subscribe')
    expect(await curl()).toBe(`curl -X POST ${home.replace('docs', 'subscribe')}`)
    expect(await send()).toBe('200 OK')
    await field('name').fill('Ada')
    expect(await curl()).toBe(`curl ${home.replace('docs', 'subscribe')} \\\n  --data-urlencode name=Ada`)
  })

  it('keeps the entered values after going back and after a reload', async () => {
    await show('uploadPhoto')
    await field('slug').fill('sky')
    await page.setInputFiles('input[type=file]', { name: 'one.png', mimeType: 'image/png', buffer: png })
    await page.selectOption('select', 'CC0')
    await choose('addItem')
    await page.fill('textarea.json', '{ "slug": "kept" }')
    await choose('getItems')
    await page.getByLabel('blue').check()
    await page.goBack()
    await expect.poll(() => page.inputValue('textarea.json')).toBe('{ "slug": "kept" }')
    await page.goBack()
    await expect.poll(() => page.title()).toContain('Upload a photo')
    expect(await curl()).toContain('/items/sky/photo \\\n  -F photo=@one.png \\\n  --form-string license=CC0')
    await page.goForward()
    await page.goForward()
    expect(await curl()).toContain('?color=blue')
    await page.reload()
    await page.waitForSelector('#title')
    expect(await curl()).toContain('?color=blue')
    await choose('uploadPhoto')
    expect(await field('slug').inputValue()).toBe('sky')
    // A browser does not let a page choose a file again.
    expect(await curl()).not.toContain('one.png')
  })

  it('keeps the values entered for another media type', async () => {
    await show('subscribe')
    await page.selectOption('[aria-label="Media type"]', 'multipart/form-data')
    await field('name').fill('Ada')
    await choose('note')
    await page.goBack()
    await expect.poll(() => curl()).toContain('--form-string name=Ada')
  })

  it('has examples of bodies and responses, and copies them', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await show('report')
    expect(JSON.parse(await page.inputValue('textarea.json'))).toEqual({ title: 'First', corner: ['a', 1] })
    await page.selectOption('[aria-label=Example]', 'second')
    expect(await curl()).toContain('"Second"')
    const example = page.locator('.responses details', { hasText: 'Example: One' }).last()
    await example.locator('summary').click()
    await example.getByRole('button').click()
    await expect.poll(() => example.getByRole('button').innerText()).toBe('Copied')
    expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual({ corner: ['c', 3] })
    await choose('getItem')
    const made = page.locator('.responses .more').first()
    await made.locator('summary').click()
    expect(JSON.parse(await made.locator('.block').innerText())).toMatchObject({ slug: 'sea-foam', tags: [] })
    await field('slug').fill('sea-foam')
    await send()
    await page.locator('.response-body').getByRole('button', { name: 'Copy' }).click()
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain('"Sea foam"')
  })

  it('collapses groups, keeps them collapsed, and opens them for a search and for the current operation', async () => {
    await show('getItems')
    const photos = page.locator('nav section', { hasText: 'Photos' })
    await photos.locator('summary').click()
    await expect.poll(() => photos.locator('a:visible').count()).toBe(0)
    await page.reload()
    await page.waitForSelector('#title')
    await expect.poll(() => photos.locator('a:visible').count()).toBe(0)
    await page.fill('#search', 'upload')
    await expect.poll(() => photos.locator('a:visible').count()).toBe(1)
    await page.fill('#search', '')
    await photos.locator('summary').click()
    await show('getPhoto')
    await expect.poll(() => photos.locator('a:visible').count()).toBe(2)
    await page.click('.bar h1 a')
    const group = page.locator('main .group', { hasText: 'Photos' })
    await expect.poll(() => group.locator('a:visible').count()).toBe(2)
    await group.locator('summary').click()
    await expect.poll(() => group.locator('a:visible').count()).toBe(0)
  })

  it('opens and closes the list of operations on a phone', async () => {
    await page.close()
    await open({ viewport: { width: 390, height: 844 } })
    await show()
    expect(await page.isVisible('nav')).toBe(false)
    await page.click('.menu')
    expect(await page.getAttribute('.menu', 'aria-expanded')).toBe('true')
    await page.keyboard.press('Escape')
    expect(await page.isVisible('nav')).toBe(false)
    await page.click('.menu')
    await page.click('nav a[href="#getItem"]')
    await expect.poll(() => page.isVisible('nav')).toBe(false)
    expect(await page.innerText('#title')).toBe('Get an item')
  })

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('has no overlaps or low contrast in a window of %d pixels: %s', async (width, colorScheme) => {
    await page.close()
    await open({ viewport: { width, height: 844 }, colorScheme })
    await show()
    const look = async (): Promise<void> => {
      await page.evaluate(() =>
        document.querySelectorAll('main details').forEach((one) => ((one as HTMLDetailsElement).open = true)),
      )
      await page.waitForTimeout(50)
      expect(await page.evaluate(() => [location.hash, document.documentElement.scrollWidth])).toEqual([
        await page.evaluate(() => location.hash),
        width,
      ])
      expect(await page.evaluate(overlaps)).toEqual([])
      expect(await page.evaluate(faint)).toEqual([])
      expect(await page.evaluate(small, width < 500 ? 44 : 24)).toEqual([])
    }
    await look()
    const ids = await page
      .locator('nav a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')!.slice(1)))
    for (const id of ids) {
      await show(id)
      await expect.poll(() => page.getAttribute('nav [aria-current]', 'href')).toBe(`#${id}`)
      await look()
    }
    await show('addItem')
    await page.fill('textarea.json', '{}')
    expect(await send()).toBe('400 Bad Request')
    await page.waitForSelector('[aria-invalid]')
    await look()
    if (width < 500) {
      await page.click('.menu')
      await look()
    }
  })
})

/** Returns controls that overlap another control. */
function overlaps(): string[] {
  const isFrame = (one: Element) => one.closest('.bar, .skip, nav')
  const all = [...document.querySelectorAll('main :is(a, button, input, select, textarea, summary, label)')].filter(
    (one) => !isFrame(one) && one.checkVisibility(),
  )
  const boxes = all.map((one) => one.getBoundingClientRect())
  const name = (one: Element) => `${one.tagName} ${one.textContent!.slice(0, 30)}`
  return all.flatMap((one, index) =>
    all.slice(index + 1).flatMap((other, offset) => {
      if (one.contains(other) || other.contains(one)) return []
      const [a, b] = [boxes[index]!, boxes[index + 1 + offset]!]
      const isOver = a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
      return isOver ? [`${name(one)} / ${name(other)}`] : []
    }),
  )
}

/** Returns text whose contrast with its background is below 4.5: https://www.w3.org/TR/WCAG22/#contrast-minimum */
function faint(): string[] {
  const channels = (color: string) => (/^rgba?\((.+)\)$/.exec(color)?.[1] ?? '').split(/[ ,/]+/).map(Number)
  const luminance = (color: string) => {
    const [red, green, blue] = channels(color).map((value) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  }
  const behind = (one: Element | null): string => {
    if (!one) return 'rgb(255, 255, 255)'
    const { backgroundColor } = getComputedStyle(one)
    return channels(backgroundColor)[3] === 0 ? behind(one.parentElement) : backgroundColor
  }
  const contrast = (one: Element, color: string) => {
    const [light, dark] = [luminance(color), luminance(behind(one))].sort((a, b) => b - a)
    return (light! + 0.05) / (dark! + 0.05)
  }
  const found: string[] = []
  const check = (one: Element, color: string, text: string): void => {
    const value = contrast(one, color)
    // NaN counts as too low.
    if (!(value >= 4.5)) found.push(`${value.toFixed(2)} ${text.slice(0, 30)} (${one.tagName}.${one.className})`)
  }
  for (const one of document.querySelectorAll('body *')) {
    if (!one.checkVisibility()) continue
    const text = Array.from(one.childNodes, (node) => (node.nodeType === Node.TEXT_NODE ? node.textContent : '')).join(
      '',
    )
    if (text.trim()) check(one, getComputedStyle(one).color, text)
    if (one instanceof HTMLInputElement || one instanceof HTMLTextAreaElement) {
      check(one, getComputedStyle(one).color, one.value)
      if (one.placeholder) check(one, getComputedStyle(one, '::placeholder').color, one.placeholder)
    }
  }
  return found
}

/** Returns controls that are lower than `least` pixels, except for links within a line of text. */
function small(least: number): string[] {
  return [...document.querySelectorAll('button, select, nav a, .group a, input:not([type=checkbox]), .boxes label')]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < least)
    .map((one) => `${one.tagName} ${one.textContent} ${one.getBoundingClientRect().height}`)
}
