import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { route } from 'byway'
import * as reply from 'byway/reply'

/** A page of one file, whose one style and one script are allowed by their digests, and nothing else is. */
export function toPage(file: URL) {
  const page = readFileSync(file, 'utf8')
  const digest = (tag: string): string => {
    const text = page.slice(page.indexOf(`<${tag}>`) + tag.length + 2, page.indexOf(`</${tag}>`))
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  }
  const policy = [
    "default-src 'none'",
    `script-src ${digest('script')}`,
    `style-src ${digest('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return route('/').get(() => reply.html(page, { headers: { 'content-security-policy': policy } }))
}
