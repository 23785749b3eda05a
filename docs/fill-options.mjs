// Fills the option tables of the pages from the docstrings, between <!-- options: Name file --> and <!-- /options -->.
//
//   node docs/fill-options.mjs            writes the tables
//   node docs/fill-options.mjs --check    fails if a table is not what the docstrings say
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'

const root = new URL('..', import.meta.url)
const isCheck = process.argv.includes('--check')
const pages = readdirSync(new URL('docs/', root), { recursive: true })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.md') && !path.includes('node_modules'))

const wrong = []
let count = 0
for (const page of pages) {
  const file = new URL(`docs/${page}`, root)
  const text = readFileSync(file, 'utf8')
  const filled = text.replace(
    /(<!-- options: (\w+) (\S+) -->\n)[^]*?(<!-- \/options -->)/g,
    (_whole, begin, name, source, end) => {
      count++
      return `${begin}\n${toTable(name, source)}\n${end}`
    },
  )
  if (filled === text) continue
  if (isCheck) wrong.push(page)
  else writeFileSync(file, filled)
}
console.log(`${count} option tables`)
if (wrong.length) {
  console.error(
    `docs: the option tables differ from the docstrings; run node docs/fill-options.mjs\n${wrong.join('\n')}`,
  )
  process.exitCode = 1
}

function toTable(name, path) {
  const source = ts.createSourceFile(path, readFileSync(new URL(path, root), 'utf8'), ts.ScriptTarget.Latest, true)
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name)
  if (!found) throw new Error(`${path} has no interface ${name}`)
  const rows = found.members.map((member) => {
    const [doc] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc)
    const effect = textOf(doc?.comment)
    const tag = doc?.tags?.find(({ tagName }) => tagName.text === 'default')
    const standard = member.questionToken ? textOf(tag?.comment) || '–' : 'required'
    const type = member.type?.getText(source).replace(/\s+/g, ' ') ?? 'function'
    return [`\`${member.name.getText(source)}\``, code(type), toCode(standard), effect]
  })
  return [['option', 'type', 'default', 'effect'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

function code(text) {
  return `\`${text}\``
}

// A default that is a value, not a sentence.
function toCode(text) {
  const isValue = /^[\w'"[\]{}().,:/ -]+$/.test(text) && !/[a-z] [a-z]/i.test(text) && text !== 'required'
  return isValue ? code(text) : text
}

function textOf(comment) {
  const text = ts.getTextOfJSDocComment(comment) ?? ''
  return text.replace(/\s+/g, ' ').trim()
}
