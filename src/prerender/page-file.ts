import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'

// Media types whose subtype is no extension.
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
 * The relative path of the file for a pathname, as servers of files look for it: HTML is the `index.html` of a directory;
 * else the pathname is the name, with an extension for the media type if it has none.
 *
 * A segment is decoded once. What would be a separator, a step or a control character stays escaped.
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
  // As `json` of application/ld+json, and `png` of image/png.
  return /^[a-z]+\/(?:[\w.-]*\+)?([a-z\d]{2,5})$/.exec(type)?.[1] ?? 'bin'
}

// Escaped where two segments would have one name otherwise, or one would have more than a name.
// eslint-disable-next-line no-control-regex
const unsafe = sep === '\\' ? /[\0-\x1f\x7f/\\:*?"<>|]|[. ]$|%(?=[\da-f]{2})/gi : /[\0-\x1f\x7f/\\]|%(?=[\da-f]{2})/gi

function toFileName(segment: string): string {
  const name = decodeURIComponent(segment).replace(unsafe, toEscape)
  return /^\.+$/.test(name) ? name.replaceAll('.', toEscape) : name
}

const toEscape = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** Writes a file below a directory: whole, or not at all. Throws if the path leads outside. */
export async function writeBelow(directory: string, path: string, bytes: Uint8Array): Promise<string> {
  const root = resolve(directory)
  const file = resolve(root, path)
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new Error(`'${path}' leads out of the directory '${directory}'`)
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
