import { showBody } from './answer.js'
import { element } from './element.js'
import type { Inputs } from './inputs.js'
import { Refusal, send, toCurl, type Call } from './request.js'
import type { Entry } from './spec.js'

/** Where a request is sent from, and its answer is shown. */
export interface Desk {
  readonly node: HTMLElement
  /** The request has become another one. */
  write(): void
  send(): Promise<void>
  /** Nobody waits for the answer any more. */
  stop(): void
}

export function toDesk({ operation }: Entry, inputs: Inputs): Desk {
  const curl = element('code')
  const copy = element('button', { type: 'button', class: 'quiet' }, 'Copy')
  const sendButton = element('button', { class: 'send', form: inputs.form.id }, 'Send')
  const stopButton = element('button', { type: 'button', hidden: true }, 'Stop')
  const mistake = element('p', { class: 'mistake', role: 'alert' })
  const outcome = element('p', { class: 'outcome', role: 'status' }, 'Not sent yet.')
  const told = element('div', { class: 'told' })
  const summary = element('summary')
  const headers = element('dl')
  const headerDetails = element('details', { hidden: true }, summary, headers)
  const answer = element('div', { class: 'answer' })
  const node = element(
    'section',
    { class: 'desk', 'aria-label': 'Request and answer' },
    element(
      'div',
      { class: 'curl' },
      element('pre', { tabindex: 0, role: 'region', 'aria-label': 'The request as a curl command' }, curl),
      copy,
    ),
    element('div', { class: 'go' }, sendButton, stopButton, mistake),
    outcome,
    told,
    headerDetails,
    answer,
  )

  let running: AbortController | undefined
  const stop = (): void => running?.abort()

  const toCall = (): Call | undefined => {
    if (!inputs.isComplete()) return undefined
    try {
      return inputs.toCall()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      mistake.textContent = error.message
      return undefined
    }
  }

  const trySend = async (): Promise<void> => {
    stop()
    inputs.complain([])
    mistake.textContent = ''
    const call = toCall()
    if (!call) return
    const controller = (running = new AbortController())
    const isCurrent = (): boolean => running === controller
    told.replaceChildren()
    answer.replaceChildren()
    headerDetails.hidden = true
    stopButton.hidden = false
    outcome.replaceChildren('Sent, waiting for an answer …')
    const started = performance.now()
    const note = element('span')
    try {
      const response = await send(call, controller.signal)
      if (!isCurrent()) return
      showHead(response, Math.round(performance.now() - started), note)
      const value = await showBody(response, answer, (text) => (note.textContent = text))
      if (isCurrent()) showProblem(response.status, value)
    } catch (error) {
      if (!isCurrent()) return
      if (controller.signal.aborted) note.append(note.textContent ? ', stopped' : 'Stopped.')
      else
        mistake.textContent = note.isConnected
          ? `The answer broke off: ${(error as Error).message}`
          : `The network failed, or the browser does not allow this address: ${(error as Error).message}`
      if (!note.isConnected) outcome.replaceChildren(controller.signal.aborted ? 'Stopped.' : 'No answer.')
    } finally {
      if (isCurrent()) {
        running = undefined
        stopButton.hidden = true
      }
    }
  }

  const showHead = (response: Response, time: number, note: HTMLElement): void => {
    const { status, statusText, redirected, url } = response
    outcome.replaceChildren(
      element('strong', { 'data-kind': Math.floor(status / 100) }, `${status} ${statusText}`.trim()),
      element('span', {}, `${time} ms`),
      note,
    )
    if (redirected) told.append(element('p', { class: 'hint' }, `Redirected to ${url}`))
    const known = [String(status), `${Math.floor(status / 100)}XX`, 'default']
    if (!known.some((key) => Object.hasOwn(operation.responses, key)))
      told.append(element('p', { class: 'hint' }, 'The document does not tell of this status.'))
    const pairs = [...response.headers]
    headers.replaceChildren(...pairs.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]))
    summary.textContent = pairs.length === 1 ? '1 header' : `${pairs.length} headers`
    headerDetails.hidden = false
  }
  const showProblem = (status: number, value: unknown): void => {
    if (status < 400 || typeof value !== 'object' || value === null) return
    const { detail, errors } = value as { detail?: unknown; errors?: unknown }
    if (typeof detail === 'string') told.prepend(element('p', { class: 'detail' }, detail))
    if (!Array.isArray(errors)) return
    const elsewhere = inputs.complain(errors.filter((error) => typeof error === 'object' && error !== null))
    told.append(...elsewhere.map((text) => element('p', { class: 'mistake' }, text)))
    const first = inputs.form.querySelector<HTMLElement>('[aria-invalid]')
    if (!first) return
    const jump = element('button', { type: 'button' }, 'Go to what is wrong')
    jump.addEventListener('click', () => first.focus())
    told.append(element('p', {}, jump))
  }

  stopButton.addEventListener('click', () => {
    stop()
    // Where it was is nothing any more.
    sendButton.focus()
  })
  copy.addEventListener('click', () => void copyText(curl, copy))
  return {
    node,
    stop,
    send: trySend,
    write() {
      try {
        curl.textContent = toCurl(inputs.toCall())
      } catch (error) {
        curl.textContent = (error as Error).message
      }
    },
  }
}

async function copyText(code: HTMLElement, button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? '')
    button.textContent = 'Copied'
  } catch {
    // Not everywhere is the clipboard to be had: then the text is selected.
    getSelection()?.selectAllChildren(code)
    button.textContent = 'Selected'
  }
  setTimeout(() => (button.textContent = 'Copy'), 2_000)
}
