import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { byway, bywayIn } from './run.js'

const top = mkdtempSync(join(tmpdir(), 'byway-cli-next-'))
afterAll(() => rmSync(top, { recursive: true }))

function write(name: string, files: Readonly<Record<string, string>>): string {
  const cwd = join(top, name)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, file)), { recursive: true })
    writeFileSync(join(cwd, file), text)
  }
  return cwd
}
const get = 'export const GET = () => new Response()'

describe('byway next', () => {
  it('writes the manifest of app, and lists the files of src/app as JSON', async () => {
    const cwd = write('good', {
      'app/route.ts': get,
      'app/items/[slug]/route.ts': 'async function respond() {}\nexport { respond as GET, respond as POST }',
      'app/(shop)/cart/route.js': 'export async function POST() {}',
      'app/a/route.mts': "export * from '../route.js'",
      'app/sitemap.ts': 'export default function sitemap() { return [] }',
      'app/page.tsx': 'export default function Page() {}',
      'app/_lib/route.ts': 'export const helper = 1',
      'app/b/route.ts': "// 'use cache'\n/* 'use cache' */\nexport function GET() { return new Response('use cache') }",
    })
    const { code, stderr } = await bywayIn({ cwd }, 'next', '-o', 'generated/routes.ts')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^generated\/routes\.ts: \d+ bytes\n$/)])
    expect(readFileSync(join(cwd, 'generated/routes.ts'), 'utf8')).toBe(`// Written by \`byway next\`.
import * as file0 from "../app/(shop)/cart/route.js"
import * as file1 from "../app/a/route.mjs"
import * as file2 from "../app/b/route.js"
import * as file3 from "../app/items/[slug]/route.js"
import * as file4 from "../app/route.js"
import * as file5 from "../app/sitemap.js"

export default {
  "/cart": file0,
  "/a": file1,
  "/b": file2,
  "/items/[slug]": file3,
  "/": file4,
  "app/sitemap.ts": file5,
}
`)
    const { stdout } = await bywayIn({ cwd: write('src', { 'src/app/x/route.ts': get }) }, 'next', '--json')
    expect(JSON.parse(stdout)).toEqual([{ file: 'x/route.ts', pattern: '/x', problem: null }])
  })

  it('reports each file that cannot be mounted, and exits with 1', async () => {
    const cwd = write('bad', {
      'app/ok/route.ts': get,
      'app/cached/route.ts': `export async function GET() {\n  'use cache'\n  return new Response()\n}`,
      'app/remote/route.ts': `"use cache: remote"\n${get}`,
      'app/none/route.ts': 'export const dynamic = "auto"',
      'app/lower/route.ts': 'export const get = () => new Response()',
      'app/(..)photo/route.ts': get,
      'app/sitemap.ts': 'export const x = 1',
    })
    const { code, stdout, stderr } = await bywayIn({ cwd }, 'next', 'app')
    expect(code).toBe(1)
    expect(stdout).toContain('"/ok"')
    expect(stdout).not.toContain('lower')
    expect(stderr).toContain('byway: 6 of 7 files cannot be mounted')
    for (const line of [
      /app\/cached\/route\.ts has the directive 'use cache'/,
      /app\/remote\/route\.ts has the directive 'use cache'/,
      /app\/none\/route\.ts exports no method/,
      /app\/lower\/route\.ts exports a method in lower case/,
      /app\/\(\.\.\)photo\/route\.ts .*intercepting route/,
      /app\/sitemap\.ts has no default export/,
    ])
      expect(stderr).toMatch(line)
  })

  it.each([
    ['without a folder', [], /there is no folder app or src\/app/],
    ['for a folder that does not exist', ['nope'], /nope is not a folder/],
    ['for a folder without route handlers', ['empty'], /empty has no route handlers/],
  ] as [string, string[], RegExp][])('exits with 1 %s', async (_name, args, message) => {
    const cwd = write('none', { 'empty/page.tsx': '' })
    const { code, stderr } = await bywayIn({ cwd }, 'next', ...args)
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)])
  })
})

describe('byway doctor', () => {
  it("reports an imported file with the directive 'use cache', and no other file", async () => {
    const { code, stdout } = await byway('doctor', 'directive/app.ts')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^directive\/data\.ts\n  has the directive 'use cache'/)
    expect(stdout).not.toContain('more.ts')
  })
})
