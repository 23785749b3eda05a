import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasRedis, start, type Started } from './start.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const missing = [!existsSync(executablePath) && executablePath, !hasRedis && 'redis-server'].filter(Boolean)
// In CI, a missing program is a failure.
const isSkipped = missing.length > 0 && !process.env['CI']
if (isSkipped)
  console.warn(`The page is not tested: there is no ${missing.join(' and no ')}. CHROMIUM names a browser.`)
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

const patiently = { timeout: 10_000, interval: 50 }

// Three processes, Redis and a browser, and the machine can be busy.
describe.skipIf(isSkipped)('the page', () => {
  let started: Started
  let browser: Browser
  let page: Page
  let mistakes: string[]

  beforeAll(async () => {
    started = await start()
    expect(started.url, started.output()).toBeDefined()
    browser = await chromium.launch({ executablePath, args: flags.split(' ') })
  })
  afterAll(async () => {
    await browser?.close()
    await started?.stop()
  })
  beforeEach(async () => {
    page = await browser.newPage()
    mistakes = []
    page.on('pageerror', (error) => mistakes.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && mistakes.push(message.text()))
    await page.goto(started.url!)
    await page.waitForSelector('#rows tr')
    await done()
  })
  afterEach(async () => {
    await page.close()
    expect(mistakes).toEqual([])
  })

  const done = () => page.waitForSelector('#ask:not([aria-disabled])')
  const press = async (name: string): Promise<string> => {
    await page.getByRole('button', { name, exact: true }).click()
    await done()
    return page.innerText('#status')
  }
  /** The copy that each process has served, and how, as the page shows it. */
  const lanes = () =>
    page.locator('.lane').evaluateAll((lanes) =>
      lanes.map((lane) => ({
        copy: Number(lane.querySelector('.stamp b')!.textContent),
        outcome: lane.querySelector('.last strong')!.textContent,
      })),
    )
  const header = (name: string) =>
    page
      .locator('#headers dt', { hasText: new RegExp(`^${name}$`) })
      .locator('+ dd')
      .innerText()
  const queries = async () => Number(await page.innerText('#queries'))

  it('sends requests to each process in turn, and all of them serve the same copy', async () => {
    await press('Request from each process')
    const before = await queries()
    const [{ copy } = { copy: 0 }] = await lanes()
    expect(await press('Request from each process')).toBe(`Copy ${copy} from each process. Nothing had to be made.`)
    expect(await lanes()).toEqual(Array.from({ length: 3 }, () => ({ copy, outcome: 'Hit' })))
    expect(await queries()).toBe(before)
    expect(await header('cache-status')).toMatch(/^byway; hit; ttl=\d+$/)
    expect(await header('cache-tag')).toBe('items, item:borage, rates')

    const rows = page.locator('#rows tr')
    const by: string[] = []
    for (let count = 0; count < 3; count++) {
      await press('Send')
      by.push(await rows.first().locator('td').first().innerText())
    }
    expect(by.sort()).toEqual(['A', 'B', 'C'])
  })

  it('shows the growing age of the copy, and how long the copy is fresh', async () => {
    await press('Revalidate item:borage')
    const age = async () => Number(/age (\d+) s/.exec(await page.innerText('.lane >> nth=0'))![1])
    const first = await age()
    const freshness = await page.innerText('#freshness')
    expect(freshness).toMatch(/^Fresh for \d+ s, \d+ s old\.$/)
    await expect.poll(age, patiently).toBeGreaterThan(first)
    await expect.poll(() => page.innerText('#freshness'), patiently).not.toBe(freshness)
  })

  it('shows a 304 and the earlier body for a conditional request', async () => {
    await press('Revalidate item:borage')
    await page.check('#conditional')
    expect(await press('Send')).toMatch(/^[ABC]: copy \d+ is unchanged, so there is no body: 304/)
    expect(await header('status')).toBe('304 Not Modified')
    expect(await page.innerText('#body')).toContain('Borago officinalis')
  })

  it('revalidates a tag in all processes by a webhook to one of them', async () => {
    await press('Request from each process')
    const before = await lanes()
    await press('Revalidate items')
    const after = await lanes()
    expect(after.map(({ outcome }) => outcome)).toEqual(['Made', 'Hit', 'Hit'])
    expect(new Set(after.map(({ copy }) => copy)).size).toBe(1)
    expect(after[0]!.copy).toBeGreaterThan(before[0]!.copy)
  })

  it("sends the stale response one more time after revalidating with 'max', and refreshes it", async () => {
    await press('Revalidate items')
    const [before] = await lanes()
    expect(await press('Revalidate item:borage, max')).toContain(`${before!.copy}`)
    expect((await lanes())[0]).toEqual({ copy: before!.copy, outcome: 'Hit, stale' })
    await expect
      .poll(async () => {
        await press('Request from each process')
        return (await lanes()).every(({ copy, outcome }) => copy > before!.copy && outcome === 'Hit')
      }, patiently)
      .toBe(true)
  })

  it('runs the handler once for 300 concurrent requests', async () => {
    // A process that waits for Redis for over half a second continues without it, which happens on a busy machine.
    await expect
      .poll(() => press('Send 300 requests'), { timeout: 60_000, interval: 1_000 })
      .toMatch(
        /^item:borage was invalidated, and 300 requests came at the same time: the handler ran once, the database was queried once, and all had copy \d+ within/,
      )
    expect(await page.locator('.dots i[data-outcome]').count()).toBe(300)
    expect(await page.locator('.dots i[data-outcome=made]').count()).toBe(1)
  })

  it('shows the new price after a change', async () => {
    await page.fill('#price', '3.45')
    await press('Change')
    // A process that gets a request before the first one has stored the response waits for it.
    const [first, ...others] = (await lanes()).map(({ outcome }) => outcome)
    expect(first).toBe('Made')
    for (const outcome of others) expect(['Hit', 'Waited']).toContain(outcome)
    expect(await page.innerText('#body')).toContain('"price": 3.45')
  })

  it('does not show the response of one user to another user', async () => {
    for (const [who, other] of [
      ['Ada', 'Bo'],
      ['Bo', 'Ada'],
    ]) {
      await page.getByRole('radio', { name: `as ${who}` }).check({ force: true })
      await press('Request from each process')
      expect(await header('cache-tag')).toBe(`items, wishes:${who}`)
      expect(await page.innerText('#body')).not.toContain(`"${other}"`)
    }
  })

  it('revalidates a tag with the keyboard alone, and keeps the focus', async () => {
    const focused = () =>
      page.evaluate(() => (document.activeElement as HTMLElement | null)?.getAttribute('aria-label'))
    for (let presses = 0; (await focused()) !== 'Revalidate item:borage'; presses++) {
      if (presses > 30) throw new Error('the tags are out of reach')
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Enter')
    await expect
      // A process that gets a request before the first one has stored the response waits for it.
      .poll(async () => (await lanes()).map(({ outcome }) => outcome.replace('Waited', 'Hit')), patiently)
      .toEqual(['Made', 'Hit', 'Hit'])
    expect(await focused()).toBe('Revalidate item:borage')
  })

  it.each([390, 1280])('needs no horizontal scrolling in a window that is %d pixels wide', async (width) => {
    await page.setViewportSize({ width, height: 800 })
    await press('Send 300 requests')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
  })
})
