// The built site in Chromium, at the width of a desktop and of a phone, light and dark. Its base is not `/`, so that a link
// without the base fails.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type axe from 'axe-core'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type Served } from '../src/hosts/node.js'
import { route, router } from '../src/index.js'
import { serveStatic } from '../src/static/index.js'
import { root } from './docs/pages.js'

const base = '/manual'
const docs = join(root, 'docs')
const vitepress = join(docs, 'node_modules/.bin/vitepress')
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const missing = [
  !existsSync(vitepress) && 'run npm ci --prefix docs --ignore-scripts',
  !existsSync(executablePath) && `there is no ${executablePath}; CHROMIUM names another`,
].filter(Boolean)
const suite = !missing.length || process.env['CI'] ? describe : describe.skip

// The rules of axe for WCAG 2.2 AA, and its best practices.
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
// A page of each kind: the start page, long code, tabs of code, a wide table, option tables, a missing page.
const kinds = ['/', '/guide/responses', '/recipes/database', '/comparison', '/reference/cache', '/none']
const views = [
  [1280, 'light'],
  [1280, 'dark'],
  [375, 'light'],
  [375, 'dark'],
] as const

// Like on hosts of static sites, `/guide/router` is guide/router.html, and a missing page is 404.html.
function toSite(folder: string) {
  const files = serveStatic(folder)
  const site = route('/[[...path]]').get(async (request, { pattern, params: { path = [] } }) => {
    for (const found of [path, [...path.slice(0, -1), `${path.at(-1)}.html`]]) {
      const response = await files(request, { pattern, params: { path: found } })
      if (response.status !== 404) return response
    }
    const { body, headers } = await files(request, { pattern, params: { path: ['404.html'] } })
    return new Response(body, { status: 404, headers })
  })
  return router({ site }, { basePath: base })
}

suite(`the site${missing.length ? ` (${missing.join('; ')})` : ''}`, () => {
  let folder: string
  let server: Served
  let browser: Browser
  let url: string
  let script: string
  let paths: string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'byway-site-'))
    await promisify(execFile)(vitepress, ['build', '--outDir', folder], {
      cwd: docs,
      maxBuffer: 1e8,
      env: { ...process.env, SITE_BASE: `${base}/` },
    })
    const files = await readdir(folder, { recursive: true })
    paths = files.filter((file) => file.endsWith('.html')).map((file) => `/${file.replace(/(?:\/?index)?\.html$/, '')}`)
    script = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    server = serve(toSite(folder), { port: 0, signals: false })
    await server.ready
    url = server.url.replace(/\/$/, '') + base
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = async ([width, colorScheme]: (typeof views)[number]) => {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
    const page = await context.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('console', (message) => {
      // Chromium reports the 404 of the missing page, which is expected.
      if (message.type() === 'error' && !message.location().url.endsWith('/none')) errors.push(message.text())
    })
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.url().endsWith('/none')) errors.push(response.url())
    })
    return { context, page, errors }
  }

  /** Returns the mistakes of a page: violations of axe's rules, and a width beyond the window. */
  async function check(page: Page, path: string): Promise<string[]> {
    await page.goto(url + path)
    // The page for a missing path is rendered by its script.
    await page.locator('h1').first().waitFor()
    await page.evaluate(script)
    return page.evaluate(
      async ({ path, rules }) => {
        const tester = (globalThis as unknown as { readonly axe: typeof axe }).axe
        const { violations } = await tester.run(document, { runOnly: rules })
        const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${path}: ${id}: ${target}`))
        const excess = document.documentElement.scrollWidth - innerWidth
        return excess > 0 ? [...found, `${path}: ${excess} pixels too wide`] : found
      },
      { path, rules },
    )
  }

  it.each(views)('has no violation of axe at %i pixels, %s', async (...view) => {
    const { context, page, errors } = await open(view)
    const found: string[] = []
    for (const path of kinds) found.push(...(await check(page, path)))
    expect([found, errors]).toEqual([[], []])
    await context.close()
  })

  it('has no violation of axe on any page', async () => {
    expect(paths.length).toBeGreaterThan(90)
    const { context, page, errors } = await open(views[0])
    const phone = await open(views[3])
    const found: string[] = []
    for (const [index, path] of paths.entries()) found.push(...(await check(index % 2 ? page : phone.page, path)))
    expect([found, errors, phone.errors]).toEqual([[], [], []])
    await context.close()
    await phone.context.close()
  })

  it('leads from a missing page to the start page', async () => {
    const { context, page, errors } = await open(views[0])
    await page.goto(`${url}/none`)
    await page.getByRole('main').getByRole('link', { name: 'Start page' }).click()
    await page.waitForURL(`${url}/`)
    expect(errors).toEqual([])
    await context.close()
  })

  it('shows every column of the comparison at 1280 pixels', async () => {
    const { context, page } = await open(views[0])
    await page.goto(`${url}/comparison`)
    const hidden = await page
      .locator('.vp-doc table')
      .first()
      .evaluate((table) => table.scrollWidth - table.clientWidth)
    expect(hidden).toBe(0)
    await context.close()
  })

  it.each([views[0], views[3]])('finds a page at %i pixels, %s', async (...view) => {
    const { context, page, errors } = await open(view)
    await page.goto(url, { waitUntil: 'networkidle' })
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('#localsearch-input').fill('rateLimit')
    await page.locator('.VPLocalSearchBox .result').first().waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/rate-limit|middleware|redis/)
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(errors).toEqual([])
    await context.close()
  })
})
