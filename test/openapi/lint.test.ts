import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import items from '../../examples/items/app.js'
import { openapi, type OpenApiDocument } from '../../src/openapi/index.js'
import { app, options } from './fixtures.js'

const manifest = fileURLToPath(import.meta.resolve('@redocly/cli/package.json'))
const cli = join(dirname(manifest), 'bin/cli.js')

/** Returns the findings of Redocly's linter with its recommended rules. */
async function lint(document: OpenApiDocument): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'byway-openapi-'))
  try {
    await writeFile(join(directory, 'openapi.json'), JSON.stringify(document))
    const run = promisify(execFile)(process.execPath, [cli, 'lint', '--format', 'json', 'openapi.json'], {
      cwd: directory,
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true' },
    })
    // The command fails if it finds errors, but still prints them.
    const { stdout } = await run.catch((error: { stdout: string }) => error)
    const { problems } = JSON.parse(stdout) as {
      problems: { ruleId: string; location: { pointer: string }[]; message: string }[]
    }
    return problems.map(({ ruleId, location, message }) => `${ruleId} ${location[0]?.pointer} ${message}`)
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe("openapi() with Redocly's recommended rules", () => {
  it('has no findings for an app with every feature', async () => {
    expect(await lint(openapi(app, options))).toEqual([])
  })

  it('finds only a missing license, summaries and 4xx responses in the items example', async () => {
    const found = await lint(openapi(items, { info: { title: 'Items', version: '1.0.0' } }))
    expect([...new Set(found.map((text) => text.split(' ')[0]))].sort()).toEqual([
      'info-license',
      'operation-4xx-response',
      'operation-summary',
    ])
  })

  it('finds the errors in an invalid document', async () => {
    const document = openapi(app, options)
    document.paths['/api/items/{unknown}/x'] = document.paths['/api/docs']!
    expect(await lint(document)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^path-parameters-defined /), expect.stringMatching(/unique/)]),
    )
  })
})
