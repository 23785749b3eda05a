import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

// Words that comments, docstrings, messages and guides do not use, because HTTP and TypeScript have their own.
const avoided = [
  /\banswer(?:s|ed|ing)?\b/, // response, respond, return
  /\b(?:is|are|was|were|be|been) (?:not )?(?:told|asked)\b|\btold otherwise\b/, // receives, reports, by default
  /\b(?:tells?|hears?|speaks?) (?:of|apart)\b/, // describe, report, distinguish
  /\bask(?:s|ed)? (?:for|each|whether|again)\b|\bwho(?:ever)? asks?\b/, // request, call
  /\b(?:is|are|was|were) none\b|\bnobody(?:'s)?\b|\bwhoever\b|\bstrangers?\b/, // the condition, the client
  /\b(?:is|are|was|were) (?:not there|there (?:twice|already))\b/, // missing, duplicate
  /\banew\b|\bonce more\b|\bcomes? round\b/, // again, restart
  /\bfor ever\b|\bfor good\b/, // permanently
  /\blet(?:s|ting)? go\b|\bmakes? room\b/, // invalidate, evict
  /\b(?:has|have|is|are) gone\b|\bbreaks? off\b/, // disconnected, failed
  /\bbeside\b|\bmeanwhile\b|\bat once\b|\bunder way\b/, // in addition to, in progress, concurrently, immediately
  /\bknown ahead\b|\bmakes? ahead\b/, // static params, before the first request
  /\bh(?:o|e)ld against\b|\bfits?\b|\brefus(?:es?|ed|al)\b/, // validate, match, reject
  /\bkept\b/, // cached, stored
  /\bstands?\b|\bhangs? on\b/, // is, depends on
  /\bapps? of byway\b|\bof `byway\//, // a byway app, from `byway/…`
  // American spelling, as in HTTP and the DOM
  /(?<![-\w])\w*(?:colour|behaviour|favour|honour|neighbour|licence|serialis|normalis|recognis|cancelled|labelled)\w*/,
  /\bonion\b|\bgarbage\b(?![- ]collect)|\brubbish\b|\bdesk\b/, // no metaphors
].map(({ source }) => new RegExp(source, 'gi'))

/** Returns the comments of a TypeScript file, and the sentences in its string literals. */
function proseOf(text: string): string {
  const { comments, sentences } = partsOf(text)
  return [...comments, ...sentences].join('\n')
}

const commentsOf = (text: string): string => partsOf(text).comments.join('\n')

function partsOf(text: string): { comments: string[]; sentences: string[] } {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest)
  const sentences: string[] = []
  // The text without literals, in which `//` or `/*` would not begin a comment.
  let code = ''
  let end = 0
  const visit = (node: ts.Node): void => {
    if (!ts.isLiteralExpression(node) && !ts.isTemplateHead(node) && !ts.isTemplateMiddleOrTemplateTail(node))
      return void ts.forEachChild(node, visit)
    code += text.slice(end, node.getStart(source))
    end = node.end
    if (!ts.isRegularExpressionLiteral(node) && node.text.includes(' ')) sentences.push(node.text)
  }
  visit(source)
  const comments = (code + text.slice(end)).match(/\/\*[^]*?\*\/|\/\/.*(?:\n\s*\/\/.*)*/g) ?? []
  // A sentence can continue on the next line of its comment.
  return { comments: comments.map((comment) => comment.replace(/\n\s*(?:\*|\/\/) ?/g, ' ')), sentences }
}

/** Returns the titles of the tests in a file. */
function titlesOf(text: string): string {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest)
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    const [title] = ts.isCallExpression(node) && isTest(node.expression) ? node.arguments : []
    if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)))
      titles.push(title.getText(source).slice(1, -1))
    ts.forEachChild(node, visit)
  }
  // `it`, `it.only`, `it.each(rows)` and `it.skipIf(missing).each(rows)`
  const isTest = (callee: ts.Expression): boolean =>
    ts.isIdentifier(callee)
      ? ['describe', 'it', 'test', 'suite'].includes(callee.text)
      : (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) && isTest(callee.expression)
  visit(source)
  return titles.join('\n')
}

// Code is not prose.
const withoutCode = (text: string): string => text.replace(/^```[^]*?^```/gm, '').replace(/^ {4}.*$/gm, '')

const find = (prose: string): string[] => avoided.flatMap((words) => prose.match(words) ?? [])

const root = new URL('..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const filesOf = (folder: string, end: string): string[] =>
  readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return /^(?:node_modules|\..*)$/.test(entry.name) ? [] : filesOf(path, end)
    return path.endsWith(end) ? [path] : []
  })
const examples = filesOf('examples', '.ts')
const sources = [...filesOf('src', '.ts'), ...examples.filter((path) => !path.endsWith('.test.ts'))]
const tests = [
  ...['test', 'test-d'].flatMap((folder) => filesOf(folder, '.ts')),
  ...['test', 'bench'].flatMap((folder) => filesOf(folder, '.mjs')),
  ...examples.filter((path) => path.endsWith('.test.ts')),
].filter((path) => path !== 'test/words.test.ts')
const pages = [...filesOf('docs', '.md'), ...filesOf('examples', '.md')]
const guides = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages]

describe('comments, messages, guides and titles of tests', () => {
  it('contain no avoided words', () => {
    const found = [
      ...sources.map((path) => [path, find(proseOf(read(path)))] as const),
      ...tests.map((path) => [path, find(titlesOf(read(path)) + commentsOf(read(path)))] as const),
      ...guides.map((path) => [path, find(withoutCode(read(path)))] as const),
    ]
    expect(Object.fromEntries(found.filter(([, words]) => words.length))).toEqual({})
  })

  it('are found in docstrings, comments, strings and templates, but not in code', () => {
    const code = `
/** Nobody is
 * told. */
const answer = { desk: 'answers' } // kept
throw new Error(\`it is none of \${answer} and is anew\`)`
    expect(find(proseOf(code))).toHaveLength(5)
    const title =
      "it.skipIf(a).each([['answer']])('is %s none', () => 'anew')\ntest.each(rows)(\n  `kept ${name}`, run)"
    expect(titlesOf(title)).toBe('is %s none\nkept ${name}')
    expect(find(withoutCode('an answer\n\n```ts\nconst answer = 1 // anew\n```\n'))).toEqual(['answer'])
  })
})
