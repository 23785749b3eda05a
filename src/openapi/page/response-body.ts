import { element, toBlock, toJsonNodes } from './element.js'

/** Shows the progress of a response next to its status. */
type ShowProgress = (text: string) => unknown

const maxItems = 500
const maxText = 300_000

/**
 * Shows a response's body in `node`: event streams and JSON lines item by item, other bodies when they are complete.
 * Resolves to the parsed value if the body is JSON, else to `undefined`.
 */
export async function showBody(response: Response, node: HTMLElement, note: ShowProgress): Promise<unknown> {
  const type = (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'text/event-stream') return showItems(response, node, note, parseEvent, /\r\n\r\n|\n\n|\r\r/)
  if (/(?:ndjson|jsonl|json-seq|json-lines)$/.test(type)) return showItems(response, node, note, parseLine, /\r?\n/)
  const blob = await response.blob()
  note(toSize(blob.size))
  if (!blob.size) return undefined
  const isJson = /[/+]json$/.test(type)
  if (!isJson && !/^text\/|[/+]xml$|javascript$|urlencoded$/.test(type)) return showFile(blob, response, node)
  const text = await blob.text()
  const value = isJson ? parse(text) : undefined
  const nodes = value === undefined ? [text.slice(0, maxText)] : toJsonNodes(value)
  node.replaceChildren(toBlock('Response body', ...nodes))
  if (text.length > maxText || response.headers.has('content-disposition')) node.append(toDownload(blob, response))
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

// Draws on a canvas, because the page's Content-Security-Policy does not allow the blob URL of an image element.
async function showFile(blob: Blob, response: Response, node: HTMLElement): Promise<undefined> {
  node.replaceChildren(toDownload(blob, response))
  if (!blob.type.startsWith('image/')) return
  const image = await createImageBitmap(blob).catch(() => undefined)
  if (!image) return
  const canvas = element('canvas', { role: 'img', 'aria-label': 'The image', width: image.width, height: image.height })
  canvas.getContext('2d')?.drawImage(image, 0, 0)
  node.append(canvas)
}

function toDownload(blob: Blob, response: Response): HTMLElement {
  const fileName = fileNameOf(response)
  const button = element('button', { type: 'button' }, `Save ${fileName}`)
  button.addEventListener('click', () => {
    const href = URL.createObjectURL(blob)
    element('a', { href, download: fileName }).click()
    setTimeout(() => URL.revokeObjectURL(href), 10_000)
  })
  return element('p', {}, button)
}

// The file name in Content-Disposition, else the last segment of the URL.
function fileNameOf({ headers, url }: Response): string {
  const disposition = headers.get('content-disposition') ?? ''
  const [, extended = ''] = /filename\*=UTF-8''([^;]+)/i.exec(disposition) ?? []
  const [, plain] = /filename="?([^";]+)"?/i.exec(disposition) ?? []
  try {
    return (
      decodeURIComponent(extended) || plain || decodeURIComponent(new URL(url).pathname.split('/').at(-1)!) || 'body'
    )
  } catch {
    return 'body'
  }
}

interface Item {
  readonly label: string
  readonly text: string
}

async function showItems(
  response: Response,
  node: HTMLElement,
  note: ShowProgress,
  parseItem: (text: string) => Item | undefined,
  separator: RegExp,
): Promise<undefined> {
  const list = element('ol', { class: 'items', role: 'log', tabindex: 0, 'aria-label': 'Received items' })
  node.replaceChildren(list)
  let count = 0
  const add = (text: string): void => {
    const item = parseItem(text)
    if (!item) return
    note(`${++count} ${count === 1 ? 'item' : 'items'}`)
    const value = parse(item.text)
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
    const nodes = value === undefined ? [item.text] : toJsonNodes(value)
    list.append(
      element('li', {}, item.label && element('span', { class: 'label' }, item.label), element('pre', {}, ...nodes)),
    )
    if (list.childElementCount > maxItems) list.firstElementChild!.remove()
    if (atEnd) list.scrollTop = list.scrollHeight
  }
  note('waiting')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value = '' } = await reader.read()
    rest += value
    // A CR at the end might be the first half of CRLF.
    const parts = !done && rest.endsWith('\r') ? [rest] : rest.split(separator)
    rest = parts.pop()!
    parts.forEach(add)
    if (done) break
  }
  if (rest) add(rest)
  note(`${count} ${count === 1 ? 'item' : 'items'}, complete`)
  return undefined
}

const parseLine = (text: string): Item | undefined => (text.trim() ? { label: '', text: text.trim() } : undefined)

// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
function parseEvent(text: string): Item | undefined {
  const fields = text.split(/\r\n|\n|\r/).map((line) => /^([^:]*):? ?(.*)$/s.exec(line)!)
  const valuesOf = (name: string): string[] => fields.flatMap(([, one, value]) => (one === name ? [value!] : []))
  const data = valuesOf('data')
  if (!data.length) return undefined
  const id = valuesOf('id').at(-1)
  const event = valuesOf('event').at(-1) ?? 'message'
  return { label: id === undefined ? event : `${event} · ${id}`, text: data.join('\n') }
}

/** Formats a number of bytes in B, kB or MB. */
export const toSize = (bytes: number): string =>
  bytes < 1_000
    ? `${bytes} B`
    : bytes < 1_000_000
      ? `${(bytes / 1_000).toFixed(1)} kB`
      : `${(bytes / 1_000_000).toFixed(1)} MB`
