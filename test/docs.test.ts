import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseHttp, toReceived } from './docs/http.js'
import { anchorsOf, pages, read, root, toPage, type Block } from './docs/pages.js'
import { compile, continueBlocks, syntaxErrors, writeSnippets, type Message, type Snippet } from './docs/snippets.js'

const guides = pages.filter(({ path }) => path !== 'README.md')

let folder: string
let snippets: Snippet[]
let messages: Message[]

// One run of the compiler finds the names that blocks take from earlier blocks of their page, the next one the mistakes.
beforeAll(() => {
  ;({ folder, snippets } = writeSnippets())
  messages = compile(folder)
  if (continueBlocks(folder, snippets, messages)) messages = compile(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the pages', () => {
  it('have a title, a question as description, one heading of the first level and at most 200 lines', () => {
    const mistakes = guides.flatMap(({ path, text, frontmatter }) => {
      const { title, description } = frontmatter
      const headings = text.replace(/^```[^]*?^```$/gm, '').match(/^# .+$/gm) ?? []
      const found = [
        !title && 'no title',
        !description?.endsWith('?') && 'a description that is no question',
        String(headings) !== `# ${title}` && `the headings ${String(headings)}`,
        // Reference pages have no limit.
        text.split('\n').length > 200 && !path.startsWith('docs/reference/') && 'more than 200 lines',
      ]
      return found.filter(Boolean).map((mistake) => `${path}: ${String(mistake)}`)
    })
    expect(mistakes).toEqual([])
  })

  it('are in the sidebar', async () => {
    const { default: config } = (await import('../docs/.vitepress/sidebar.js')) as {
      default: readonly { readonly items: readonly { readonly link: string }[] }[]
    }
    const linked = config.flatMap(({ items }) => items.map(({ link }) => link))
    const own = guides.map(({ path }) => path.replace(/^docs(.*?)(?:\/index)?\.md$/, '$1') || '/')
    expect([...new Set(linked)].sort()).toEqual(own.filter((path) => path !== '/' && path !== '/assistants').sort())
    expect(linked.length).toBe(new Set(linked).size)
  })

  it('link to pages and headings by relative paths, which work in the repository, on the site and in the package', () => {
    const mistakes = pages.flatMap((page) => {
      const prose = page.text.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
      return [...prose.matchAll(/\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].flatMap(([, to, anchor]) => {
        const path = to ? join(dirname(page.path), to) : page.path
        const target = pages.find((page) => page.path === path)
        if (to!.startsWith('/') || !existsSync(join(root, path))) return `${page.path}: ${to}`
        // Pages of the site link to the rest of the repository by its name only.
        if (page.path !== 'README.md' && !target) return `${page.path}: ${to} is not a page`
        return anchor && target && !anchorsOf(target).has(anchor) ? `${page.path}: ${to}#${anchor}` : []
      })
    })
    expect(mistakes).toEqual([])
  })

  it('include files that exist', () => {
    const mistakes = guides.flatMap(({ path, text }) =>
      [...text.matchAll(/^<<< (\S+?)(?:#([\w-]+))?(?:\{.*\})?$/gm)].flatMap(([, file, region]) => {
        const target = join(root, dirname(path), file!)
        if (!existsSync(target)) return `${path}: ${file}`
        return region && !readFileSync(target, 'utf8').includes(`#region ${region}`) ? `${path}: ${file}#${region}` : []
      }),
    )
    expect(mistakes).toEqual([])
  })
})

describe('the snippets', () => {
  it('are more than 100', () => {
    expect(snippets.length).toBeGreaterThan(100)
  })

  it('compile with the declarations of earlier blocks of the same page', () => {
    const errors = new Set(snippets.filter(({ block }) => block.kind === 'error').map(({ path }) => path))
    const found = messages.filter(({ path }) => !errors.has(path)).map(({ path, text }) => `${path}: ${text}`)
    expect(found).toEqual([])
  })

  it('fail to compile with the message in their first line if they are marked as an error', () => {
    const found = snippets
      .filter(({ block }) => block.kind === 'error')
      .flatMap(({ path, block }) => {
        const [, expected] = /^\/\/ (.+)\n/.exec(block.text) ?? []
        const own = messages.filter((message) => message.path === path).map(({ text }) => text)
        return expected && own.length && own.every((text) => text.includes(expected)) ? [] : { path, expected, own }
      })
    expect(found).toEqual([])
  })

  it('of other frameworks and of signatures have no syntax errors', () => {
    const found = pages.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language, kind }) => language === 'ts' && (kind === 'before' || kind === 'signature'))
        .flatMap(({ text, line }) => syntaxErrors(text).map((message) => `${path}:${line}: ${message}`)),
    )
    expect(found).toEqual([])
  })

  it('have a known kind', () => {
    const known: Record<string, string[]> = { ts: ['', 'error', 'before', 'signature'], text: ['', 'output'] }
    const found = pages.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language, kind }) => !(known[language] ?? ['']).includes(kind))
        .map(({ language, kind, line }) => `${path}:${line}: ${language} ${kind}`),
    )
    expect(found).toEqual([])
  })
})

// The app of a page is the last block above that has a default export.
describe('the requests of the pages', () => {
  const withRequests = pages.filter(({ blocks }) => blocks.some(({ language }) => language === 'http'))
  const load = (snippet: Snippet): Promise<object> =>
    import(pathToFileURL(join(folder, snippet.path)).href) as Promise<object>
  const snippetOf = (block: Block): Snippet => snippets.find((snippet) => snippet.block === block)!

  for (const page of withRequests)
    it(`get the responses that ${page.path} shows`, async () => {
      vi.spyOn(console, 'error').mockImplementation(() => {})
      let app: { fetch(request: Request): Response | Promise<Response> } | undefined
      const found = []
      for (const block of page.blocks) {
        if (block.language === 'ts' && !block.kind && /^export default /m.test(block.text))
          app = ((await load(snippetOf(block))) as { default: typeof app }).default
        if (block.language !== 'http') continue
        const { request, expected } = parseHttp(block.text)
        found.push({ line: block.line, expected, received: await toReceived(await app!.fetch(request), expected) })
      }
      expect(found.map(({ line, received }) => ({ line, ...received }))).toEqual(
        found.map(({ line, expected }) => ({ line, ...expected })),
      )
    })

  const withOutput = pages.filter(
    ({ blocks, frontmatter }) => frontmatter['run'] !== 'true' && blocks.some(({ kind }) => kind === 'output'),
  )
  for (const page of withOutput)
    it(`print what ${page.path} shows`, async () => {
      for (const [index, block] of page.blocks.entries()) {
        if (block.kind !== 'output') continue
        const lines: string[] = []
        const log = vi
          .spyOn(console, 'log')
          .mockImplementation((...values: unknown[]) => void lines.push(values.map(toLine).join(' ')))
        await load(snippetOf(page.blocks[index - 1]!))
        log.mockRestore()
        expect(lines.join('\n')).toBe(block.text.trimEnd())
      }
    })
})

const toLine = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

describe('toPage()', () => {
  it('reads the frontmatter and the blocks with their kinds and files', () => {
    const text = '---\ntitle: A\n---\n\n# A\n\n```ts\n// app/[x]/route.ts\nlet a\n```\n\n```ts error\n// Bad\n```\n'
    const { frontmatter, blocks } = toPage('docs/a.md', text)
    expect(frontmatter).toEqual({ title: 'A' })
    expect(blocks).toEqual([
      { language: 'ts', kind: '', text: '// app/[x]/route.ts\nlet a\n', file: 'app/[x]/route.ts', line: 7 },
      { language: 'ts', kind: 'error', text: '// Bad\n', file: undefined, line: 12 },
    ])
  })

  it('makes the anchors of headings as the site does', () => {
    const page = toPage('docs/a.md', '# `cors()`: A b\n\n## What fails\n\n## What fails\n\n### X {#own}\n')
    expect([...anchorsOf(page)]).toEqual(['cors-a-b', 'what-fails', 'what-fails-1', 'own'])
  })
})

describe('the option tables', () => {
  it('show types that a reader knows, and no type parameters', () => {
    const known = ['string', 'number', 'boolean', 'object', 'unknown', 'function']
    const types = guides.flatMap(({ text }) =>
      [...text.matchAll(/^<!-- options: .+ -->$([^]*?)^<!-- \/options -->$/gm)].flatMap(([, table]) =>
        [...table!.matchAll(/^\| `\w+` \| `([a-z]\w*)` \|/gm)].map(([, type]) => type!),
      ),
    )
    expect(types.length).toBeGreaterThan(100)
    expect(types.filter((type) => !known.includes(type))).toEqual([])
  })
})

// `npm run build` writes them.
describe('the pages in the package', () => {
  const packed = (path: string): string => read(`dist/docs/${path}`)

  it('are listed in index.md with their questions', () => {
    const links = [...packed('index.md').matchAll(/^- \[.+\]\((.+)\): .+\?$/gm)].map(([, path]) => path!)
    const folders = /^docs\/(?!contribute\/)(.+\/.+)$/
    expect(links.sort()).toEqual(guides.flatMap(({ path }) => folders.exec(path)?.[1] ?? []).sort())
    for (const path of links) expect(packed(path)).toMatch(/^# /)
  })

  it('are plain Markdown, with the code that they include', () => {
    expect(packed('reference/middleware.md')).toContain('| `origin` |')
    for (const { path } of guides.filter(({ path }) => path.startsWith('docs/reference/')))
      expect(packed(path.slice('docs/'.length))).not.toMatch(/<!--|^<<<|^:::/m)
  })

  it('name the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string }
    expect(packed('index.md')).toContain(`byway ${version}`)
  })
})

describe('the page about the architecture', () => {
  const page = read('docs/contribute/architecture.md')

  it('names every folder of src, as does CONTRIBUTING.md', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.length).toBeGreaterThan(20)
    for (const text of [page, read('CONTRIBUTING.md')])
      expect(folders.map(({ name }) => `\`${name}/\``).filter((name) => !text.includes(name))).toEqual([])
  })

  it('gives the reason for every dependency that an app can install', () => {
    const { dependencies, peerDependencies } = JSON.parse(read('package.json')) as Record<string, object>
    const names = Object.keys({ ...dependencies, ...peerDependencies })
    expect(names.filter((name) => !new RegExp(`^\\|[^|]*\`${name}\``, 'm').test(page))).toEqual([])
  })
})

describe('the README', () => {
  it('has at most 200 lines and names the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string }
    const text = read('README.md')
    expect(text.split('\n').length).toBeLessThanOrEqual(200)
    expect(text).toContain(`Version ${version.replace(/\.0$/, '')}`)
  })
})
