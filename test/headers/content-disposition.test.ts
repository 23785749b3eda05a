import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatContentDisposition } from '../../src/headers/content-disposition.js'

// Parses the header as a client does, with precedence for the extended name: https://www.rfc-editor.org/rfc/rfc6266#section-4.1
function read(header: string): { disposition: string; name: string | undefined } {
  const [, disposition, ascii, extended] =
    /^(inline|attachment)(?:; filename="([\x20\x21\x23-\x5b\x5d-\x7e]*)")?(?:; filename\*=UTF-8''((?:[\w!#$&+.^`|~-]|%[\dA-F]{2})+))?$/.exec(
      header,
    ) ?? []
  if (!disposition) throw new Error(`not a Content-Disposition: ${header}`)
  return { disposition, name: extended === undefined ? ascii : decodeURIComponent(extended) }
}

describe('formatContentDisposition()', () => {
  it('adds filename*= only if the name is not plain ASCII', () => {
    for (const [name, header] of [
      [undefined, 'inline'],
      ['', 'inline'],
      ['report.pdf', 'inline; filename="report.pdf"'],
      ['a b;c=1,2.txt', 'inline; filename="a b;c=1,2.txt"'],
      ['€ rates.txt', `inline; filename="_ rates.txt"; filename*=UTF-8''%E2%82%AC%20rates.txt`],
      ['100%.txt', `inline; filename="100_.txt"; filename*=UTF-8''100%25.txt`],
      [`"it's" (1)*.txt`, `inline; filename="_it's_ (1)*.txt"; filename*=UTF-8''%22it%27s%22%20%281%29%2A.txt`],
    ])
      expect(formatContentDisposition('inline', name)).toBe(header)
  })

  it('replaces path separators, control characters and direction overrides with _', () => {
    for (const [name, expected] of [
      ['../../etc/passwd', '.._.._etc_passwd'],
      ['C:\\boot.ini', 'C:_boot.ini'],
      ['a\r\nset-cookie: b=1', 'a__set-cookie: b=1'],
      ['a\0.txt', 'a_.txt'],
      ['\u202efdp.exe', '_fdp.exe'],
      ['\ud800', '\ufffd'],
    ])
      expect(read(formatContentDisposition('attachment', name)).name).toBe(expected)
  })

  it('formats any name so that a client decodes it again, except for replaced characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const header = formatContentDisposition('attachment', name)
        expect(new Headers({ 'content-disposition': header }).get('content-disposition')).toBe(header)
        const found = read(header).name ?? ''
        expect([...found].length).toBe([...name].length)
        for (const [index, character] of [...name].entries())
          if ([...found][index] !== character)
            expect([[...found][index], /^[/\\\p{Cc}\p{Cs}\p{Cf}]$/u.test(character)]).toEqual([
              /\p{Cs}/u.test(character) ? '\ufffd' : '_',
              true,
            ])
      }),
      { numRuns: 500 },
    )
  })
})
