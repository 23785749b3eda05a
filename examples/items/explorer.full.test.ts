import { removeDirectory } from './test-data.js'
import { existsSync } from 'node:fs'
import { serve, type Served } from 'byway/node'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import app from './app.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
// Where tests decide, a missing browser is a failure.
const isMissing = !existsSync(executablePath) && !process.env['CI']
if (isMissing) console.warn(`The page is not tested: there is no ${executablePath}. CHROMIUM names another.`)
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

// A few steps in a browser, on a machine that may be busy.
describe.skipIf(isMissing)('the page', () => {
  let server: Served
  let browser: Browser
  let page: Page
  let mistakes: string[]

  beforeAll(async () => {
    server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
    await server.ready
    browser = await chromium.launch({ executablePath, args: flags.split(' ') })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    removeDirectory()
  })
  beforeEach(async () => {
    page = await browser.newPage()
    mistakes = []
    page.on('pageerror', (error) => mistakes.push(String(error)))
    page.on('console', (message) => {
      // Chromium logs each answer of 400 or more.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load')) mistakes.push(message.text())
    })
    await page.goto(server.url)
  })
  afterEach(async () => {
    await page.close()
    expect(mistakes).toEqual([])
  })

  const status = textOf('#outcome strong')
  const body = textOf('#body:not(:empty)')
  function textOf(selector: string): () => Promise<string> {
    return async () => (await page.waitForSelector(selector)).innerText()
  }
  const choose = async (operation: string): Promise<void> => {
    const link = `nav a[href="#${operation}"]`
    await page.click(link)
    await page.waitForSelector(`${link}[aria-current]`)
  }
  const send = async (): Promise<string> => {
    await page.evaluate(() => (document.querySelector('#outcome')!.textContent = ''))
    await page.click('#send')
    return status()
  }

  it('lists every operation of every route', async () => {
    await status()
    const listed = await page.locator('nav a').allInnerTexts()
    expect(listed.map((text) => text.replace(/\s+/g, ' '))).toEqual([
      'GET /items',
      'POST /items',
      'GET /items/[slug]',
      'PATCH /items/[slug]',
      'DELETE /items/[slug]',
      'GET /items/[slug]/photo',
      'POST /items/[slug]/photo',
      'GET /seen',
      'GET /me',
    ])
  })

  it('calls the first one, and again with a query', async () => {
    expect(await status()).toBe('200 OK')
    await page.fill('#field-q', 'mint')
    await page.fill('#field-tag', 'green, light')
    expect(await page.innerText('#curl')).toBe(`curl '${server.url}/items?q=mint&tag=green&tag=light'`)
    expect(await send()).toBe('200 OK')
    const { items } = JSON.parse(await body()) as { items: { tags: string[] }[] }
    expect(items.length).toBeGreaterThan(0)
    expect(items.every(({ tags }) => tags.includes('green') && tags.includes('light'))).toBe(true)
  })

  it('adds an item, changes it, and removes it once it is allowed to', async () => {
    await choose('POST/items')
    await page.fill('#field-body', '{ "name": "<b>Bold</b>", "hex": "#123456" }')
    expect(await send()).toBe('201 Created')
    expect(JSON.parse(await body())).toMatchObject({ name: '<b>Bold</b>', slug: 'b-bold-b' })
    expect(await send()).toBe('409 Conflict')

    await choose('PATCH/items/[slug]')
    expect(await page.inputValue('#field-slug')).toBe('b-bold-b')
    await page.fill('#field-body', '{ "hex": "#654321" }')
    expect(await send()).toBe('200 OK')

    await choose('DELETE/items/[slug]')
    expect(await send()).toBe('401 Unauthorized')
    await page.check('#use-authorization')
    expect(await send()).toBe('204 No Content')
  })

  it('uploads a photo, and shows it', async () => {
    await choose('POST/items/[slug]/photo')
    await page.click('#send')
    expect(await page.innerText('#mistake')).toBe('Choose a file for photo.')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('field-photo')

    const buffer = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    )
    await page.setInputFiles('#field-photo', { name: 'one.png', mimeType: 'image/png', buffer })
    expect(await send()).toBe('201 Created')
    expect(JSON.parse(await body())).toMatchObject({ photo: { alt: 'Seen from the ferry' } })

    await page.click('#body a[href*="photo"]')
    await expect.poll(status).toBe('200 OK')
    const image = await page.waitForSelector('#body img')
    await expect.poll(() => image.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1)
  })

  it('is used with the keyboard alone', async () => {
    await status()
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '')
    for (let presses = 0; (await focused()) !== 'GET/me'; presses++) {
      if (presses > 20) throw new Error('GET /me is out of reach')
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Enter')
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('title')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await status()).toBe('401 Unauthorized')
  })

  it('follows a slug in an answer to its item', async () => {
    await status()
    const link = page.locator('#body a').first()
    const slug = await link.innerText()
    await link.click()
    await expect.poll(() => page.title()).toBe('GET /items/[slug] · Colours')
    await expect.poll(async () => JSON.parse(await body())).toMatchObject({ slug })
  })

  it.each([390, 1280])('fits a window that is %d pixels wide', async (width) => {
    await page.setViewportSize({ width, height: 800 })
    await status()
    const targets = await page.locator('nav a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))
    for (const target of targets) {
      await choose(target!.slice(1))
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    }
  })
})
