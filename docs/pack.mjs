// Writes the pages to dist/docs, for coding assistants that read the installed package: one plain file for each page, and
// index.md, which says what byway is and lists the files. Runs at the end of the build.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const docs = fileURLToPath(new URL('.', import.meta.url))
const out = fileURLToPath(new URL('../dist/docs', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

// In the order in which a reader needs them. Pages about the site or the repository are left out.
const folders = [
  'start',
  'guide',
  'client',
  'cache',
  'middleware',
  'recipes',
  'hosts',
  'operate',
  'migrate',
  'reference',
]

/** Returns a page as plain Markdown: without frontmatter and markers, and with the code that it includes. */
function toPlain(text, path) {
  return text
    .replace(/^---\n[^]*?\n---\n+/, '')
    .replace(/^<!-- \/?(?:options|doc|help)\b.*-->\n+/gm, '')
    .replace(/^<<< (\S+?)(?:#([\w-]+))?(?:\{.*\})?$/gm, (_line, file, region) => {
      const code = readFileSync(join(docs, dirname(path), file), 'utf8')
      return `\`\`\`ts\n${region ? regionOf(code, region) : code.trimEnd()}\n\`\`\``
    })
    .replace(
      /^::: (\w+)(?: (.*))?\n([^]*?)^:::$/gm,
      (_whole, kind, title, body) => `**${title ?? kind[0].toUpperCase() + kind.slice(1)}:** ${body.trim()}`,
    )
}

function regionOf(code, name) {
  const [, region = ''] = new RegExp(`// #region ${name}\\n([^]*?)// #endregion`).exec(code) ?? []
  return region.trimEnd()
}

const pages = folders.flatMap((folder) =>
  readdirSync(join(docs, folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => {
      const path = `${folder}/${name}`
      const text = readFileSync(join(docs, path), 'utf8')
      const [, title] = /^title: (.*)$/m.exec(text)
      const [, question] = /^description: (.*)$/m.exec(text)
      return { folder, path, text, title, question }
    }),
)

const list = folders.map((folder) => {
  const items = pages
    .filter((page) => page.folder === folder)
    .map(({ path, title, question }) => `- [${title}](${path}): ${question}`)
  return `## ${folder[0].toUpperCase()}${folder.slice(1)}\n\n${items.join('\n')}`
})
const entry = readFileSync(join(docs, 'assistants.md'), 'utf8').replace('{version}', version)

rmSync(out, { recursive: true, force: true })
for (const { path, text } of pages) {
  mkdirSync(dirname(join(out, path)), { recursive: true })
  writeFileSync(join(out, path), toPlain(text, path))
}
writeFileSync(join(out, 'index.md'), `${toPlain(entry, 'assistants.md').trim()}\n\n${list.join('\n\n')}\n`)
