// Fills the parts of the pages that the code decides, between a marker and its end:
//
//   <!-- options: CorsOptions src/middleware/cors.ts -->   a table of the interface's properties, from their docstrings
//   <!-- doc: cors src/middleware/cors.ts -->              the signatures of a function and its docstring
//   <!-- help: serve -->                                   the help text of a command, `byway` for all of them
//
//   node docs/fill.mjs            writes the pages
//   node docs/fill.mjs --check    fails if a page is not what the code says
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = new URL('..', import.meta.url)
const readSource = (path) => readFileSync(new URL(path, root), 'utf8')

/** Returns a page with its parts filled. */
function fill(page) {
  return page.replace(
    /(<!-- (options|doc|help): (\S+)(?: (\S+))? -->\n)[^]*?(<!-- \/\2 -->)/g,
    (_whole, begin, kind, name, path, end) => {
      const text =
        kind === 'help' ? `\`\`\`text\n${readHelp(name).trim()}\n\`\`\`` : toText(kind, name, path, readSource(path))
      return `${begin}\n${text}\n\n${end}`
    },
  )
}

function toText(kind, name, path, code) {
  const source = ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true)
  return kind === 'options' ? toTable(name, source) : toProse(name, source)
}

function toTable(name, source) {
  const rows = membersOf(name, source).map((member) => {
    const doc = docOf(member)
    const tag = doc?.tags?.find(({ tagName }) => tagName.text === 'default')
    const standard = member.questionToken ? textOf(tag?.comment) || '–' : 'required'
    const type = member.type ? toType(member, source) : 'function'
    const effect = textOf(doc?.comment)
    if (!effect) throw new Error(`${source.fileName}: ${name}.${member.name.getText(source)} has no docstring`)
    return [`\`${member.name.getText(source)}\``, code(type), toCode(standard), effect]
  })
  return [['option', 'type', 'default', 'effect'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

// The type of a property. A type parameter of its interface says nothing to a reader, so its constraint replaces it.
function toType({ type, parent, questionToken }, source) {
  const toLine = (text) => text.replace(/\s+/g, ' ').replace(/^\| /, '')
  const parameters = new Map(
    parent.typeParameters?.map(({ name, constraint, default: standard }) => {
      const line = toLine((constraint ?? standard ?? name).getText(source))
      return [name.text, line === 'unknown' ? name.text : line]
    }),
  )
  const visit = (node) => {
    const text = ts.isTypeReferenceNode(node) && !node.typeArguments && parameters.get(node.typeName.getText(source))
    if (text) return [{ from: node.getStart(source), to: node.end, text }]
    const found = []
    ts.forEachChild(node, (child) => void found.push(...visit(child)))
    return found
  }
  const start = type.getStart(source)
  let text = type.getText(source)
  for (const one of visit(type).reverse())
    text = text.slice(0, one.from - start) + one.text + text.slice(one.to - start)
  text = toLine(text)
  return questionToken && !ts.isFunctionTypeNode(type) ? text.replace(/ \| undefined$/, '') : text
}

// The properties of an interface, those of the interfaces that it extends first.
function membersOf(name, source) {
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name)
  if (!found) throw new Error(`${source.fileName} has no interface ${name}`)
  const own = found.members.filter((member) => !member.name?.getText(source).startsWith("'~"))
  const names = new Set(own.map((member) => member.name.getText(source)))
  const bases = (found.heritageClauses ?? [])
    .flatMap(({ types }) => types.map(({ expression }) => expression.getText(source)))
    .filter((base) => source.statements.some((node) => ts.isInterfaceDeclaration(node) && node.name.text === base))
    .flatMap((base) => membersOf(base, source))
    .filter((member) => !names.has(member.name.getText(source)))
  return [...bases, ...own]
}

function toProse(name, source) {
  const found = source.statements
    .flatMap((node) => (ts.isVariableStatement(node) ? [...node.declarationList.declarations] : [node]))
    .find((node) => node.name?.getText(source) === name && docOf(node))
  if (!found) throw new Error(`${source.fileName} has no documented ${name}`)
  const doc = docOf(found)
  const signatures = source.statements.filter((node) => node.name?.getText(source) === name).flatMap(signatureOf)
  const paragraphs = (ts.getTextOfJSDocComment(doc.comment) ?? '').split(/\n\s*\n/).map(join)
  const tags = (doc.tags ?? []).flatMap(({ tagName, comment }) => {
    if (tagName.text === 'throws') return `Throws ${textOf(comment)}`
    if (tagName.text === 'default') return `Default: ${textOf(comment)}.`
    return []
  })
  const links = (doc.tags ?? [])
    .filter(({ tagName }) => tagName.text === 'see')
    .flatMap((tag) => /https?:\S+/.exec(tag.getText(source))?.[0] ?? [])
    .map((link) => `[${link.replace(/^https?:\/\/(?:www\.)?/, '')}](${link})`)
  const shown = signatures.length ? [`\`\`\`ts signature\n${signatures.join('\n')}\n\`\`\``] : []
  return [...shown, ...paragraphs, ...tags, ...(links.length ? [`Specification: ${links.join(', ')}`] : [])].join(
    '\n\n',
  )
}

// Without the body. The implementation of overloads is not a signature.
function signatureOf(node, _index, all) {
  if (!ts.isFunctionDeclaration(node) || (node.body && all.length > 1)) return []
  const source = node.getSourceFile()
  const text = source.text.slice(node.getStart(source), node.body ? node.body.getStart(source) : node.end)
  const { parameters } = node
  // An object pattern says only which defaults the options have, and the table has those.
  const patterns = parameters
    .filter(({ name }) => ts.isObjectBindingPattern(name))
    .map(({ name, initializer }) => [name, initializer])
  const plain = patterns.reduce((text, [name, initializer]) => {
    const shown = text.replace(name.getText(source), initializer ? 'options?' : 'options')
    return initializer ? shown.replace(` = ${initializer.getText(source)}`, '') : shown
  }, text)
  return plain.replace(/^export (?:async )?/, '').trim()
}

// A list in a docstring stays a list.
const join = (paragraph) =>
  paragraph
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replace(/\n(?!- )/g, ' ')

const docOf = (node) => {
  const owner = ts.isVariableDeclaration(node) ? node.parent.parent : node
  return ts.getJSDocCommentsAndTags(owner).find(ts.isJSDoc)
}

const code = (text) => `\`${text}\``

// A default that is a value, not a sentence.
function toCode(text) {
  const isValue = /^[\w'"[\]{}().,:/ -]+$/.test(text) && !/[a-z\d] [a-z]|^(?:none|unset|required)$/i.test(text)
  return isValue ? code(text) : text
}

function textOf(comment) {
  const text = ts.getTextOfJSDocComment(comment) ?? ''
  return text.replace(/\s+/g, ' ').trim()
}

// Of the built command, 80 columns wide.
const readHelp = (name) =>
  execFileSync(
    process.execPath,
    [fileURLToPath(new URL('dist/cli/main.js', root)), ...(name === 'byway' ? [] : [name]), '--help'],
    { encoding: 'utf8', env: { ...process.env, COLUMNS: '80' } },
  )

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = []
  for (const path of readdirSync(new URL('docs/', root), { recursive: true })) {
    if (!path.endsWith('.md') || path.includes('node_modules') || path.includes('.vitepress')) continue
    const file = new URL(`docs/${path.replaceAll('\\', '/')}`, root)
    const text = readFileSync(file, 'utf8')
    const filled = fill(text)
    if (filled === text) continue
    if (process.argv.includes('--check')) wrong.push(path)
    else writeFileSync(file, filled)
  }
  if (wrong.length) {
    console.error(`docs: pages differ from the code; run node docs/fill.mjs\n${wrong.join('\n')}`)
    process.exitCode = 1
  }
}
