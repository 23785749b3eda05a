import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { byway, fixtures } from './run.js'

describe('byway types', () => {
  it.each(['module', 'commonjs'])('reads an app in a package of the type %s', async (type) => {
    // Next to the fixtures, because imports of packages must resolve there.
    const folder = await mkdtemp(join(fixtures, 'typed-'))
    try {
      await writeFile(join(folder, 'package.json'), JSON.stringify({ type }))
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: { module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: true, types: [] },
        }),
      )
      await cp(join(fixtures, 'app.ts'), join(folder, 'app.ts'))
      await mkdir(join(folder, 'node_modules'))
      await symlink(join(fixtures, '../../..'), join(folder, 'node_modules/byway'))
      const { code, stdout } = await byway('types', join(folder, 'app.ts'))
      expect(code).toBe(0)
      expect(stdout).toMatch(/'\/items': \{\n\s+GET: Call</)
      expect(stdout).toContain("'/items/[slug]': {")
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
