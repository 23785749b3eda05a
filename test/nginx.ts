import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { describeWithRedis, freePort } from './redis.js'

/** A real nginx that spreads requests over servers, each in turn. */
export interface Nginx {
  readonly url: string
  close(): Promise<void>
}

// Debian has it where the PATH of those who are not root does not lead.
const command = ['nginx', '/usr/sbin/nginx'].find((command) => {
  try {
    execFileSync(command, ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})

/** `describe`, where nginx and redis-server are installed: elsewhere its tests are skipped, but in CI they fail. */
export function describeWithNginx(name: string, tests: () => void): void {
  if (command) describeWithRedis(name, tests)
  else if (process.env['CI'])
    it(name, () => {
      throw new Error('nginx is not installed.')
    })
  else describe.skip(`${name} (nginx is not installed)`, tests)
}

export async function startNginx(servers: readonly string[]): Promise<Nginx> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'byway-nginx-'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log stderr crit;
    events { worker_connections 2048; }
    http {
      access_log off;
      ${temporary.join('\n')}
      upstream app {
        ${servers.map((url) => `server ${new URL(url).host} max_fails=0;`).join('\n')}
        keepalive 64;
      }
      server {
        listen 127.0.0.1:${port} backlog=1024;
        location / {
          proxy_pass http://app;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          # The cache's key holds the origin.
          proxy_set_header Host $http_host;
        }
      }
    }
    `,
  )
  const child = spawn(command!, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const kill = (): unknown => child.kill('SIGKILL')
  process.once('exit', kill)
  const close = async (): Promise<void> => {
    process.removeListener('exit', kill)
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  try {
    for (let tries = 0; ; tries++) {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}.`)
      if (await fetch(url).catch(() => undefined)) return { url, close }
      if (tries === 200) throw new Error('nginx did not start.')
      await sleep(25)
    }
  } catch (error) {
    await close()
    throw error
  }
}
