import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCommand, type StartedExample } from '../../test/start-example.js'

const source = fileURLToPath(new URL('.', import.meta.url))
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const missing = [
  !existsSync(join(source, 'node_modules/react')) && 'run npm ci --prefix examples/react --ignore-scripts',
  !existsSync(executablePath) && `there is no ${executablePath}; CHROMIUM names another`,
].filter(Boolean)
const suite = !missing.length || process.env['CI'] ? describe : describe.skip

// A copy, because the tests change files.
const folder = mkdtempSync(join(tmpdir(), 'byway-react-'))
const run = promisify(execFile)
const bin = (name: string): string => join(folder, 'node_modules/.bin', name)
const byway = join(source, 'node_modules/byway/dist/cli/main.js')

suite(`examples/react${missing.length ? ` (${missing.join('; ')})` : ''}`, () => {
  let browser: Browser
  beforeAll(async () => {
    cpSync(source, folder, { recursive: true, filter: (path) => !/node_modules|dist$|\.test\.ts$/.test(path) })
    symlinkSync(join(source, 'node_modules'), join(folder, 'node_modules'))
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] })
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('compiles', async () => {
    await run(bin('tsc'), ['--noEmit'], { cwd: source })
  })

  describe.each([
    ['npm run dev', [bin('vite'), '--port', '0', '--host', '127.0.0.1']],
    // npm makes no .bin/byway if it installs the example before the root is built.
    ['npm run build && npm start', [process.execPath, byway, 'serve', 'server/site.ts']],
  ] as const)('%s', (name, command) => {
    const isBuilt = name.includes('build')
    let url: string
    let server: StartedExample
    let page: Page
    const errors: unknown[] = []

    beforeAll(async () => {
      if (isBuilt) await run(bin('vite'), ['build'], { cwd: folder })
      server = await startCommand(folder, command)
      ;({ url } = server)
      page = await browser.newPage()
      page.on('pageerror', (error) => errors.push(error))
      page.setDefaultTimeout(60_000)
      await page.goto(url)
    })
    afterAll(async () => {
      server?.child.kill('SIGKILL')
      await page?.close()
    })
    const add = async (title: string, text = ''): Promise<void> => {
      await page.getByLabel('Title').fill(title)
      await page.getByLabel('Text').fill(text)
      await page.getByRole('button', { name: 'Add' }).click()
    }
    const alert = (label: string) => page.locator('p', { has: page.getByLabel(label) }).getByRole('alert')

    it('lists the notes', async () => {
      await page.getByRole('link', { name: 'Tea' }).waitFor()
    })

    it('shows that the list is loading, and that it could not be loaded', async () => {
      let respond = (): void => {}
      const response = new Promise<void>((resolve) => (respond = resolve))
      await page.route('**/api/notes', async (route) => {
        await response
        await route.fulfill({ status: 502, contentType: 'text/html', body: 'a page of a proxy' })
      })
      await page.reload()
      await page.getByText('Loading …').waitFor()
      respond()
      // TanStack Query repeats the request three times first.
      await page.getByText('The notes could not be loaded.').waitFor()
      await page.unroute('**/api/notes')
      await page.reload()
      await page.getByRole('link', { name: 'Tea' }).waitFor()
    })

    it('shows validation errors at their fields, and keeps the input', async () => {
      await add('  ', 'a text')
      await expect.poll(() => alert('Title').textContent()).toBe('Enter a title.')
      expect(await page.getByLabel('Title').getAttribute('aria-invalid')).toBe('true')
      expect(await page.getByLabel('Text').inputValue()).toBe('a text')
      await add('Long', 'x'.repeat(10_001))
      await expect.poll(() => alert('Text').textContent()).toMatch(/10000/)
      expect(await page.getByLabel('Text').getAttribute('aria-invalid')).toBe('true')
      for (const label of ['Title', 'Text'])
        expect(await page.getByLabel(label).getAttribute('aria-describedby')).toBe(
          await alert(label).getAttribute('id'),
        )
      expect(await alert('Title').textContent()).toBe('')
    })

    it('shows a conflict at the title field', async () => {
      await add('tea')
      await expect.poll(() => alert('Title').textContent()).toBe('There is a note “tea”.')
    })

    it('adds a note, refetches the list and empties the form', async () => {
      await add('Grüner Tee & <b>', '<script>alert(1)</script>')
      await page.getByRole('link', { name: 'Grüner Tee & <b>' }).waitFor()
      expect(await page.getByLabel('Title').inputValue()).toBe('')
      expect(await alert('Title').textContent()).toBe('')
    })

    it('shows a note by its address, also after a reload', async () => {
      await page.getByRole('link', { name: 'Grüner Tee & <b>' }).click()
      const text = page.getByText('<script>alert(1)</script>')
      await text.waitFor()
      await page.reload()
      await text.waitFor()
      await page.goto(`${url}/notes/none`)
      await page.getByText('There is no such note').waitFor()
      await page.goto(url)
    })

    it('shows that the server cannot be reached, and keeps the input', async () => {
      await page.getByRole('link', { name: 'Tea', exact: true }).waitFor()
      await page.route('**/api/**', (route) => route.abort())
      await add('Later', 'offline')
      await page.getByText('The note could not be sent.').waitFor()
      expect(await page.getByLabel('Text').inputValue()).toBe('offline')
      await page.unroute('**/api/**')
    })

    it('responds with a problem, not a page, to other paths of the API', async () => {
      for (const path of ['/api/none', '/api/notes/none', '/api', '/api?page=1']) {
        const response = await fetch(url + path, { headers: { accept: 'text/html' } })
        expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
      }
    })

    it('throws nothing in the page', () => {
      expect(errors).toEqual([])
    })

    if (!isBuilt) {
      it('shows a change of a component without a reload of the page, and keeps the input', async () => {
        const file = join(folder, 'app/notes-page.tsx')
        const text = readFileSync(file, 'utf8')
        await page.getByLabel('Text').fill('a draft')
        const headings = (changed: string) =>
          expect.poll(
            async () => {
              writeFileSync(file, changed)
              await new Promise((resolve) => setTimeout(resolve, 300))
              return page.getByRole('heading', { level: 2 }).textContent()
            },
            { interval: 300 },
          )
        await headings(text.replace('New note', 'Another note')).toBe('Another note')
        expect(await page.getByLabel('Text').inputValue()).toBe('a draft')
        await headings(text).toBe('New note')
      })

      it('uses a changed API for the next request, and keeps the notes', async () => {
        const file = join(folder, 'server/api.ts')
        const text = readFileSync(file, 'utf8')
        const create = () =>
          fetch(`${url}/api/notes`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{ "title": "", "text": "" }',
          })
        // Vite can miss a change right after another change, so the file is written repeatedly.
        const responseAfter = (changed: string) =>
          expect.poll(
            async () => {
              writeFileSync(file, changed)
              await new Promise((resolve) => setTimeout(resolve, 300))
              const response = await create()
              return `${response.status} ${await response.text()}`
            },
            { interval: 300 },
          )
        await responseAfter(text.replace('Enter a title.', 'A title, please.')).toContain('A title, please.')
        expect(await (await fetch(`${url}/api/notes`)).text()).toContain('Grüner Tee')
        await responseAfter('this is no TypeScript').toMatch(/^500/)
        await responseAfter(text).toMatch(/^400.*Enter a title/)
      })
    }

    if (isBuilt) {
      const assets = () => readdirSync(join(folder, 'dist/assets'))

      it('has no server code in the bundle', () => {
        const code = assets().map((name) => readFileSync(join(folder, 'dist/assets', name), 'utf8'))
        expect(code.join()).toContain('New note')
        // A message of the schema, a note, and a class of zod.
        const serverOnly = /Enter a title|Three minutes|ZodObject/
        expect(code.join()).not.toMatch(serverOnly)
        for (const name of ['api', 'notes'])
          expect(readFileSync(join(folder, `server/${name}.ts`), 'utf8')).toMatch(serverOnly)
      })

      it('sends compressed assets with a max-age of a year, and pages with must-revalidate', async () => {
        const asset = await fetch(`${url}/assets/${assets()[0]}`, { headers: { 'accept-encoding': 'br' } })
        expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
        expect(asset.headers.get('content-encoding')).toBe('br')
        const deep = await fetch(`${url}/notes/tea`, { headers: { accept: 'text/html' } })
        expect(deep.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate')
        expect(deep.headers.get('content-type')).toBe('text/html;charset=UTF-8')
        expect(deep.headers.get('x-content-type-options')).toBe('nosniff')
        expect(deep.headers.get('vary')).toBe('Accept-Encoding, Accept')
        expect((await fetch(`${url}/assets/none.js`)).status).toBe(404)
      })

      it('sends the page for navigations only', async () => {
        const statusOf = async (accept: string) => (await fetch(`${url}/none.png`, { headers: { accept } })).status
        expect(await statusOf('text/html,application/xhtml+xml,*/*;q=0.8')).toBe(200)
        expect(await statusOf('image/avif,image/webp,*/*;q=0.8')).toBe(404)
        // The page itself is a file.
        expect((await fetch(url)).status).toBe(200)
      })
    }
  })
})
