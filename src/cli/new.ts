import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { CommandError } from './command-error.js'

const hosts = ['node', 'bun', 'deno', 'cloudflare', 'vercel', 'next'] as const
type HostName = (typeof hosts)[number]

export function addNew(program: Command): void {
  program
    .command('new')
    .summary('create a project')
    .description(
      'Creates a folder with an app, a test and the configuration of its host. In a terminal, it prompts for the host if --host is missing.',
    )
    .argument('<folder>', 'the folder to create; it must not have files')
    .option('--host <name>', `the host: ${hosts.join(', ')}`)
    .action(async (folder: string, options: { host?: string }) => {
      const root = resolve(folder)
      if (existsSync(root) && readdirSync(root).length)
        throw new CommandError(`${folder} has files; choose a new folder`)
      const host = toHost(options.host ?? (await askForHost()))
      for (const [path, text] of Object.entries(filesFor(host, toName(basename(root)), program.version()!))) {
        await mkdir(dirname(join(root, path)), { recursive: true })
        await writeFile(join(root, path), text)
      }
      process.stderr.write(
        `byway: created ${folder} for ${host}\n\n  cd ${folder}\n  npm install\n  npm test\n  npm run dev\n`,
      )
    })
}

async function askForHost(): Promise<string> {
  if (!process.stdin.isTTY) throw new CommandError(`--host is missing; use one of ${hosts.join(', ')}`)
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await lines.question(`Which host? ${hosts.join(', ')} (node): `)
  lines.close()
  return answer.trim() || 'node'
}

function toHost(given: string): HostName {
  const host = hosts.find((name) => name === given)
  if (!host) throw new CommandError(`--host must be one of ${hosts.join(', ')}, not ${given}`)
  return host
}

// https://docs.npmjs.com/cli/configuring-npm/package-json#name
const toName = (folder: string): string =>
  folder
    .toLowerCase()
    .replace(/[^a-z\d-]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'api'

interface Parts {
  readonly scripts: { readonly [name: string]: string }
  readonly dependencies?: { readonly [name: string]: string }
  readonly devDependencies?: { readonly [name: string]: string }
  readonly files?: { readonly [path: string]: string }
}

const parts: Record<HostName, Parts> = {
  node: {
    scripts: { dev: 'byway serve app.ts --watch', start: 'tsx main.ts' },
    dependencies: { tsx: '^4.20.0' },
    files: {
      'main.ts': `import { serve } from 'byway/node'
import app from './app.js'

const server = serve(app)
await server.ready
console.log(server.url)
`,
      Dockerfile: `FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .
USER node
EXPOSE 3000
# Not npm start: npm would get the SIGTERM.
CMD ["node", "--import", "tsx", "main.ts"]
`,
      '.dockerignore': `node_modules
.git
.env
*.test.ts
`,
    },
  },
  bun: { scripts: { dev: 'bun --hot app.ts', start: 'bun app.ts' } },
  deno: { scripts: { dev: 'deno serve --watch --allow-env app.ts', start: 'deno serve --allow-env app.ts' } },
  cloudflare: {
    scripts: { dev: 'wrangler dev', deploy: 'wrangler deploy' },
    devDependencies: { wrangler: '^4.0.0' },
    files: {
      'wrangler.jsonc': `{ "name": "NAME", "main": "app.ts", "compatibility_date": "2024-09-26", "compatibility_flags": ["nodejs_compat"] }
`,
    },
  },
  vercel: {
    scripts: {
      dev: 'byway serve app.ts --watch',
      build: 'byway build --target vercel app.ts',
      deploy: 'npm run build && vercel deploy --prebuilt',
    },
    devDependencies: { esbuild: '^0.28.0' },
  },
  next: {
    scripts: { dev: 'next dev', build: 'next build', start: 'next start' },
    dependencies: { next: '^16.4.0', react: '^19.2.0', 'react-dom': '^19.2.0' },
    devDependencies: { '@types/react': '^19.2.0' },
    files: {
      'app/api/[[...path]]/route.ts': `import { toNext } from 'byway/next'
import app from '../../../app.js'

export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = toNext(app, { basePath: '/api' })
`,
    },
  },
}

const app = `import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

const Item = z.object({ slug: z.string().min(1), price: z.number().min(0) })
const stock = new Map([['tea', { slug: 'tea', price: 4 }]])

const items = route('/items')
  .get(() => [...stock.values()])
  .post({ body: Item }, (request, { body }) => {
    if (stock.has(body.slug)) return reply.problem(409, { detail: 'This item exists.' })
    stock.set(body.slug, body)
    return reply.json(body, { status: 201 })
  })

const item = route('/items/[slug]').get((request, { params }) => stock.get(params.slug) ?? reply.notFound())

export default router({ items, item })
`

const test = `import { createClient } from 'byway/client'
import { expect, it } from 'vitest'
import app from './app.js'

const api = createClient<typeof app>({ fetch: app.fetch })

it('finds an item', async () => {
  const { data } = await api('/items/[slug]').get({ params: { slug: 'tea' } })
  expect(data).toEqual({ slug: 'tea', price: 4 })
})

it('responds with 404 to an unknown item', async () => {
  expect((await api('/items/[slug]').get({ params: { slug: 'salt' } })).status).toBe(404)
})
`

const tsconfig = {
  compilerOptions: {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  },
  exclude: ['node_modules', 'dist'],
}

function filesFor(host: HostName, name: string, version: string): Record<string, string> {
  const { scripts, dependencies, devDependencies, files = {} } = parts[host]
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: { ...scripts, test: 'vitest run', check: 'tsc' },
    dependencies: { byway: `^${version}`, zod: '^4.2.0', ...dependencies },
    devDependencies: { '@types/node': '^24.0.0', typescript: '^7.0.0', vitest: '^4.1.0', ...devDependencies },
  }
  // Next.js has a folder named app, so the byway app needs another file name.
  const main = host === 'next' ? 'api.ts' : 'app.ts'
  // Next.js resolves './api.js' to no file of TypeScript.
  const rename = (text: string): string =>
    text.replaceAll('NAME', name).replaceAll(/\/app\.js(?=')/g, host === 'next' ? '/api' : '/app.js')
  const all: Record<string, string> = {
    'package.json': toJson(manifest),
    'tsconfig.json': toJson(tsconfig),
    '.gitignore': 'node_modules\n.env\n.next\n.vercel\n.wrangler\n',
    [main]: app,
    [main.replace('.ts', '.test.ts')]: test,
    ...files,
  }
  return Object.fromEntries(
    Object.entries(all).map(([path, text]) => [
      path,
      path.endsWith('.ts') || path.endsWith('.jsonc') ? rename(text) : text,
    ]),
  )
}

const toJson = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`
