// The README and the pages of the site, with their blocks of code.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** A fenced block of code. */
export interface Block {
  readonly language: string
  /** The word after the language: `error` or `before` for TypeScript, `output` for the text that the last block prints. */
  readonly kind: string
  readonly text: string
  /** The name in the first line of a TypeScript file: `// app.ts`. */
  readonly file: string | undefined
  readonly line: number
}

export interface Page {
  /** The path in the repository, such as `docs/guide/routes.md`. */
  readonly path: string
  readonly text: string
  readonly frontmatter: { readonly [name: string]: string }
  readonly blocks: readonly Block[]
}

const paths = readdirSync(new URL('docs', `file://${root}/`), { recursive: true, encoding: 'utf8' })
  .map((path) => `docs/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.md') && !/node_modules|\.vitepress/.test(path))
  .sort()

export const pages: readonly Page[] = ['README.md', ...paths].map((path) => toPage(path, read(path)))

export function toPage(path: string, text: string): Page {
  const [, head = ''] = /^---\n([^]*?)^---\n/m.exec(text) ?? []
  const frontmatter = Object.fromEntries(
    [...head.matchAll(/^(\w+): (.*)$/gm)].map(([, name, value]) => [name!, value!] as const),
  )
  const blocks = [...text.matchAll(/^```(\w+)(?: (.+))?\n([^]*?)^```$/gm)].map(
    ({ index, 1: language, 2: kind = '', 3: code }): Block => ({
      language: language!,
      kind,
      text: code!,
      file: language === 'ts' && !kind ? /^\/\/ ([\w./[\]-]+\.ts)\n/.exec(code!)?.[1] : undefined,
      line: text.slice(0, index).split('\n').length,
    }),
  )
  return { path, text, frontmatter, blocks }
}

/** The anchors of a page's headings, as VitePress and GitHub make them. */
export function anchorsOf({ text }: Page): Set<string> {
  const headings = text.replace(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)
  const anchors = new Set<string>()
  for (const [, heading] of headings) {
    const [, own] = /\{#([\w-]+)\}$/.exec(heading!) ?? []
    const slug = own ?? toSlug(heading!)
    for (let count = 0; ; count++) {
      const anchor = count ? `${slug}-${count}` : slug
      if (anchors.has(anchor)) continue
      anchors.add(anchor)
      break
    }
  }
  return anchors
}

// https://github.com/mdit-vue/mdit-vue/blob/main/packages/shared/src/slugify.ts
const toSlug = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`/g, '')
    .replace(/[\s~!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, '-')
    .replace(/-{2,}/g, '-')
    .replace(/^-+|-+$/g, '')
    .replace(/^(\d)/, '_$1')
    .toLowerCase()
