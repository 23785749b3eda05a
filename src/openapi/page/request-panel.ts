import { copyButton, element } from './element.js'
import type { Inputs } from './inputs.js'
import { InvalidCall, send, toCurl, type Call } from './request.js'
import { showBody } from './response-body.js'
import type { Entry } from './spec.js'

/** The panel that sends the request of an operation and shows the response. */
export interface RequestPanel {
  readonly node: HTMLElement
  /** Updates the curl command after an input has changed. */
  write(): void
  /** Sends the request and shows the response. Stops a request in progress first. */
  send(): Promise<void>
  /** Aborts the request in progress. */
  stop(): void
}

/** Creates the request panel of an operation. */
export function toRequestPanel({ operation }: Entry, inputs: Inputs): RequestPanel {
  const curl = element('code')
  const sendButton = element('button', { class: 'send', form: inputs.form.id }, 'Send')
  const stopButton = element('button', { type: 'button', hidden: true }, 'Stop')
  const failure = element('p', { class: 'mistake', role: 'alert' })
  const outcome = element('p', { class: 'outcome', role: 'status' }, 'Not sent yet.')
  const notes = element('div', { class: 'notes' })
  const summary = element('summary')
  const headers = element('dl')
  const headerDetails = element('details', { hidden: true }, summary, headers)
  const body = element('div', { class: 'response-body' })
  const node = element(
    'section',
    { class: 'panel', 'aria-label': 'Request and response' },
    element(
      'div',
      { class: 'curl' },
      element('pre', { tabindex: 0, role: 'region', 'aria-label': 'The request as a curl command' }, curl),
      copyButton(curl),
    ),
    element('div', { class: 'actions' }, sendButton, stopButton, failure),
    outcome,
    notes,
    headerDetails,
    body,
  )

  let running: AbortController | undefined
  const stop = (): void => running?.abort()

  const toCall = (): Call | undefined => {
    if (!inputs.isComplete()) return undefined
    try {
      return inputs.toCall()
    } catch (error) {
      if (!(error instanceof InvalidCall)) throw error
      failure.textContent = error.message
      return undefined
    }
  }

  const trySend = async (): Promise<void> => {
    stop()
    inputs.showErrors([])
    failure.textContent = ''
    const call = toCall()
    if (!call) return
    const controller = (running = new AbortController())
    const isCurrent = (): boolean => running === controller
    notes.replaceChildren()
    body.replaceChildren()
    headerDetails.hidden = true
    stopButton.hidden = false
    outcome.replaceChildren('Sent. Waiting for the response …')
    const started = performance.now()
    const note = element('span')
    try {
      const response = await send(call, controller.signal)
      if (!isCurrent()) return
      showHead(response, Math.round(performance.now() - started), note)
      const value = await showBody(response, body, (text) => (note.textContent = text))
      if (isCurrent()) showProblem(response.status, value)
    } catch (error) {
      if (!isCurrent()) return
      if (controller.signal.aborted) note.append(note.textContent ? ', stopped' : 'Stopped.')
      else
        failure.textContent = note.isConnected
          ? `The response was interrupted: ${(error as Error).message}`
          : `The network failed, or the browser does not allow requests to this URL: ${(error as Error).message}`
      if (!note.isConnected) outcome.replaceChildren(controller.signal.aborted ? 'Stopped.' : 'No response.')
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
    if (redirected) notes.append(element('p', { class: 'hint' }, `Redirected to ${url}`))
    const known = [String(status), `${Math.floor(status / 100)}XX`, 'default']
    if (!known.some((key) => Object.hasOwn(operation.responses, key)))
      notes.append(element('p', { class: 'hint' }, 'This status is not in the OpenAPI document.'))
    const pairs = [...response.headers]
    headers.replaceChildren(...pairs.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]))
    summary.textContent = pairs.length === 1 ? '1 header' : `${pairs.length} headers`
    headerDetails.hidden = false
  }
  const showProblem = (status: number, value: unknown): void => {
    if (status < 400 || typeof value !== 'object' || value === null) return
    const { detail, errors } = value as { detail?: unknown; errors?: unknown }
    if (typeof detail === 'string') notes.prepend(element('p', { class: 'detail' }, detail))
    if (!Array.isArray(errors)) return
    const elsewhere = inputs.showErrors(errors.filter((error) => typeof error === 'object' && error !== null))
    notes.append(...elsewhere.map((text) => element('p', { class: 'mistake' }, text)))
    const first = inputs.form.querySelector<HTMLElement>('[aria-invalid]')
    if (!first) return
    const jump = element('button', { type: 'button' }, 'Go to the first error')
    jump.addEventListener('click', () => first.focus())
    notes.append(element('p', {}, jump))
  }

  stopButton.addEventListener('click', () => {
    stop()
    // The stop button, which had the focus, is hidden.
    sendButton.focus()
  })
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
