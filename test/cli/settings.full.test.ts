import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bywayIn, fixtures } from './run.js'

describe('the options of a tsconfig.json', () => {
  const cwd = join(fixtures, 'configured')

  it('apply to paths, JSX and decorators, with extends', async () => {
    const { stdout } = await bywayIn({ cwd }, 'request', 'app.ts', '/')
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'inner',
      page: '<main>{"id":"a","children":"text"}</main>',
      kinds: ['method', 'class'],
    })
  })

  it('apply to experimentalDecorators and the JSX of another factory', async () => {
    const folder = await mkdtemp(join(fixtures, 'configured-'))
    try {
      await cp(cwd, folder, { recursive: true })
      const file = join(folder, 'tsconfig.json')
      const compilerOptions = {
        experimentalDecorators: true,
        jsx: 'react',
        jsxFactory: 'create',
        jsxFragmentFactory: 'all',
      }
      await writeFile(file, JSON.stringify({ extends: './tsconfig.base.json', compilerOptions }))
      const page = join(folder, 'src/page.tsx')
      const create = 'const create = (...parts: unknown[]) => JSON.stringify(parts)\nconst all = "all"\n'
      await writeFile(page, `${create}// @ts-nocheck\nexport const page = () => <><main id="a">text</main></>\n`)
      const { stdout } = await bywayIn({ cwd: folder }, 'request', 'app.ts', '/')
      expect(JSON.parse(stdout)).toMatchObject({
        page: '["all",null,"[\\"main\\",{\\"id\\":\\"a\\"},\\"text\\"]"]',
        kinds: ['object', 'function'],
      })
      await writeFile(file, '{ "extends": "./nope.json" }')
      const { code, stderr } = await bywayIn({ cwd: folder }, 'routes', 'app.ts')
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^byway: the tsconfig\.json of .* could not be read/)])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('environment files', () => {
  const cwd = join(fixtures, 'configured')
  const wordsOf = async (env: Record<string, string>, ...args: string[]): Promise<unknown> => {
    const { word, other } = JSON.parse(
      (await bywayIn({ cwd, env }, 'request', 'app.ts', '/', ...args)).stdout,
    ) as object & {
      word?: string
      other?: string
    }
    return [word, other]
  }

  it('are .env by default, and the ones of --env-file instead, of which the last wins', async () => {
    expect(await wordsOf({})).toEqual(['default', undefined])
    expect(await wordsOf({}, '--env-file', 'first.env')).toEqual(['first', 'first'])
    expect(await wordsOf({}, '--env-file', 'first.env', '--env-file', 'second.env')).toEqual(['second', 'first'])
  })

  it('do not replace variables that are set, and must exist', async () => {
    expect(await wordsOf({ WORD: 'set' })).toEqual(['set', undefined])
    const { code, stderr } = await bywayIn({ cwd }, 'routes', 'app.ts', '--env-file', 'nope.env')
    // Node.js 20 reads the option itself, and exits with 9.
    expect([code !== 0, stderr]).toEqual([true, expect.stringMatching(/^(?:byway|.*node): nope\.env/)])
  })
})
