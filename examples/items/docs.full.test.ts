import { removeDirectory } from './test-data.js'
import { existsSync } from 'node:fs'
import { serve, type Served } from 'byway/node'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import app from './app.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
// In CI, a missing browser is a failure.
const isMissing = !existsSync(executablePath) && !process.env['CI']
if (isMissing) console.warn(`the page is not tested: ${executablePath} does not exist; set CHROMIUM to another path`)
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

// The limit allows for a slow machine.
describe.skipIf(isMissing)('the docs page of the example', { timeout: 60_000 }, () => {
  let server: Served
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
    await server.ready
    browser = await chromium.launch({ executablePath, args: flags.split(' ') })
    page = await browser.newPage()
    // The page is at the root of the server, too.
    await page.goto(server.url)
    await page.waitForSelector('#title')
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    removeDirectory()
  })

  const choose = async (operation: string): Promise<void> => {
    await page.click(`nav a[href="#${operation}"]`)
    await page.waitForSelector(`nav a[href="#${operation}"][aria-current]`)
  }
  const send = async (): Promise<string> => {
    await page.evaluate(() => document.querySelector('.outcome')!.replaceChildren())
    await page.click('.send')
    return (await page.waitForSelector('.outcome strong')).innerText()
  }
  const json = async (): Promise<unknown> => JSON.parse(await page.innerText('.response-body .block'))

  it('lists every operation of every route', async () => {
    const listed = await page.locator('nav a').allInnerTexts()
    expect(listed.map((text) => text.replace(/\s+/g, ' '))).toEqual([
      'GET /items',
      'POST /items',
      'GET /items/{slug}',
      'PATCH /items/{slug}',
      'DELETE /items/{slug}',
      'GET /items/{slug}/photo',
      'POST /items/{slug}/photo',
      'GET /seen',
      'GET /me',
    ])
  })

  it('finds items by words and tags', async () => {
    await choose('getItems')
    await page.getByLabel(/^q\b/).fill('mint')
    await page.getByLabel(/^tag\b/).fill('green\nlight')
    expect(await send()).toBe('200 OK')
    const { items } = (await json()) as { items: { tags: string[] }[] }
    expect(items.length).toBeGreaterThan(0)
    expect(items.every(({ tags }) => tags.includes('green') && tags.includes('light'))).toBe(true)
  })

  it('adds an item, changes it, and removes it with a token', async () => {
    await choose('postItems')
    await page.fill('textarea.json', '{ "name": "<b>Bold</b>", "hex": "#123456" }')
    expect(await send()).toBe('201 Created')
    expect(await json()).toMatchObject({ name: '<b>Bold</b>', slug: 'b-bold-b' })
    expect(await send()).toBe('409 Conflict')

    await choose('patchItem')
    await page.getByLabel(/^slug\b/).fill('b-bold-b')
    await page.fill('textarea.json', '{ "hex": "#654321" }')
    expect(await send()).toBe('200 OK')

    await choose('deleteItem')
    expect(await send()).toBe('401 Unauthorized')
    await page.getByLabel('Token').fill('demo')
    expect(await send()).toBe('204 No Content')
  })

  it('uploads a photo, and shows it', async () => {
    await choose('postPhoto')
    await page.getByLabel(/^slug\b/).fill('sea-foam')
    await page.setInputFiles('input[type=file]', { name: 'one.png', mimeType: 'image/png', buffer: png })
    expect(await send()).toBe('201 Created')
    expect(await json()).toMatchObject({ photo: { alt: 'Seen from the ferry' } })
    await choose('getPhoto')
    expect(await send()).toBe('200 OK')
    await page.waitForSelector('canvas[width="1"]')
  })
})
