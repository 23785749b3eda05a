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
  /\bonion\b|\bgarbage\b|\brubbish\b|\bdesk\b/, // no metaphors
].map(({ source }) => new RegExp(source, 'gi'))

// What is left to rewrite. A figure can only fall; a file that is not listed has none.
const baseline: Readonly<Record<string, number>> = {
  'CHANGELOG.md': 7,
  'README.md': 50,
  'src/annotations.ts': 6,
  'src/body.ts': 3,
  'src/cache/answer.ts': 2,
  'src/cache/core.ts': 4,
  'src/cache/create-cache.ts': 35,
  'src/cache/data.ts': 12,
  'src/cache/file-store.ts': 7,
  'src/cache/fill.ts': 10,
  'src/cache/flight.ts': 5,
  'src/cache/guard.ts': 17,
  'src/cache/key.ts': 1,
  'src/cache/kv-store.ts': 4,
  'src/cache/lookup.ts': 6,
  'src/cache/memo.ts': 5,
  'src/cache/memory-store.ts': 10,
  'src/cache/policy.ts': 10,
  'src/cache/prerendering.ts': 1,
  'src/cache/redis-store.ts': 8,
  'src/cache/ring.ts': 7,
  'src/cache/runs.ts': 12,
  'src/cache/runtime-cache-store.ts': 4,
  'src/cache/share-body.ts': 1,
  'src/cache/store.ts': 8,
  'src/cache/tracked.ts': 5,
  'src/client/call.ts': 4,
  'src/client/client.ts': 7,
  'src/client/request.ts': 3,
  'src/client/result.ts': 6,
  'src/client/retry.ts': 4,
  'src/client/streams.ts': 4,
  'src/client/unexpected-response.ts': 4,
  'src/codegen/app-calls.ts': 3,
  'src/codegen/client-source.ts': 4,
  'src/codegen/client.ts': 1,
  'src/codegen/text.ts': 2,
  'src/codegen/type-printer.ts': 5,
  'src/codegen/typescript.ts': 5,
  'src/context.ts': 17,
  'src/file.ts': 10,
  'src/form.ts': 1,
  'src/hosts/node-request.ts': 17,
  'src/hosts/node-response.ts': 3,
  'src/hosts/node.ts': 13,
  'src/jsonify.ts': 2,
  'src/matcher.ts': 10,
  'src/middleware.ts': 14,
  'src/middleware/timeout.ts': 9,
  'src/operation.ts': 8,
  'src/pattern.ts': 3,
  'src/problem.ts': 3,
  'src/proxy.ts': 12,
  'src/reply.ts': 5,
  'src/response.ts': 12,
  'src/route.ts': 8,
  'src/router.ts': 11,
  'src/rules.ts': 6,
  'src/scope.ts': 4,
  'src/sse.ts': 3,
  'src/static-params.ts': 11,
  'src/stream.ts': 10,
  'src/validate.ts': 12,
  'src/value.ts': 2,
}

/** Returns the comments and the sentences in string literals of a TypeScript file. */
function proseOf(text: string): string {
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
  return [...comments.map((comment) => comment.replace(/\n\s*(?:\*|\/\/) ?/g, ' ')), ...sentences].join('\n')
}

// Code is not prose.
const withoutCode = (text: string): string => text.replace(/^```[^]*?^```/gm, '').replace(/^ {4}.*$/gm, '')

const count = (prose: string): number => avoided.reduce((sum, words) => sum + (prose.match(words)?.length ?? 0), 0)

const root = new URL('..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const sources = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => `src/${path.replaceAll('\\', '/')}`)
const guides = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

describe('comments, messages and guides', () => {
  it('contain no more avoided words than the baseline', () => {
    const counts = [
      ...sources.map((path) => [path, count(proseOf(read(path)))] as const),
      ...guides.map((path) => [path, count(withoutCode(read(path)))] as const),
    ]
    const tooMany = counts.filter(([path, found]) => found > (baseline[path] ?? 0))
    expect(Object.fromEntries(tooMany)).toEqual({})
  })

  it('are found in docstrings, comments, strings and templates, but not in code', () => {
    const code = `
/** Nobody is
 * told. */
const answer = { desk: 'answers' } // kept
throw new Error(\`it is none of \${answer} and is anew\`)`
    expect(count(proseOf(code))).toBe(5)
    expect(count(withoutCode('an answer\n\n```ts\nconst answer = 1 // anew\n```\n'))).toBe(1)
  })
})
