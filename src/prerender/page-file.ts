import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'

// Media types whose subtype is not a file extension.
const extensions: Record<string, string> = {
  'application/javascript': 'js',
  'application/manifest+json': 'webmanifest',
  'application/x-ndjson': 'ndjson',
  'audio/mpeg': 'mp3',
  'image/jpeg': 'jpg',
  'image/svg+xml': 'svg',
  'image/vnd.microsoft.icon': 'ico',
  'image/x-icon': 'ico',
  'text/calendar': 'ics',
  'text/javascript': 'js',
  'text/markdown': 'md',
  'text/plain': 'txt',
}

/**
 * Returns the relative path of the file for a pathname, as static file servers expect it. HTML becomes the `index.html` of
 * a folder. Otherwise the pathname is the file's path, with an extension for the media type if it has none.
 *
 * Each segment is decoded once. Separators, control characters and the segments `.` and `..` stay percent-encoded.
 */
export function toFilePath(pathname: string, contentType: string): string {
  const segments = pathname.split('/').filter(Boolean).map(toFileName)
  const type = contentType.replace(/;.*/s, '').trim().toLowerCase()
  const last = segments.pop() ?? 'index'
  if (type === 'text/html' && !/\.html?$/i.test(last))
    return [...segments, ...(pathname === '/' ? [] : [last]), 'index.html'].join('/')
  return [...segments, /[^.]\.[a-z]\w*$/i.test(last) ? last : `${last}.${toExtension(type)}`].join('/')
}

function toExtension(type: string): string {
  if (Object.hasOwn(extensions, type)) return extensions[type]!
  // `json` for application/ld+json, and `png` for image/png.
  return /^[a-z]+\/(?:[\w.-]*\+)?([a-z\d]{2,5})$/.exec(type)?.[1] ?? 'bin'
}

// Characters that a file name cannot have, and `%` in front of two digits, so that different segments get different names.
// eslint-disable-next-line no-control-regex
const unsafe = sep === '\\' ? /[\0-\x1f\x7f/\\:*?"<>|]|[. ]$|%(?=[\da-f]{2})/gi : /[\0-\x1f\x7f/\\]|%(?=[\da-f]{2})/gi

function toFileName(segment: string): string {
  const name = decodeURIComponent(segment).replace(unsafe, toEscape)
  return /^\.+$/.test(name) ? name.replaceAll('.', toEscape) : name
}

const toEscape = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** Writes a file below a directory atomically. @throws Error if the path is outside of the directory. */
export async function writeBelow(directory: string, path: string, bytes: Uint8Array): Promise<string> {
  const root = resolve(directory)
  const file = resolve(root, path)
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new Error(`'${path}' is outside of the directory '${directory}'`)
  const folder = dirname(file)
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `.${crypto.randomUUID()}.tmp`)
  try {
    await writeFile(temporary, bytes)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  return file
}
