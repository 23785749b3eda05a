import type { Tracker } from './tracker.js'

/** The URL as a cached handler sees it: its path in the spelling of the key, and its query tracked. */
export class TrackedURL extends URL {
  readonly #real: URL
  readonly #tracker: Tracker
  // Whether the query was set here.
  #isOwn = false

  constructor(href: string, real: URL, tracker: Tracker) {
    super(href)
    this.#real = real
    this.#tracker = tracker
  }

  #shows(): boolean {
    return !this.#isOwn && this.#tracker.allows('the raw query')
  }

  override get search(): string {
    return this.#shows() ? this.#real.search : super.search
  }
  override set search(value: string) {
    this.#isOwn = true
    super.search = value
  }
  override get searchParams(): URLSearchParams {
    if (this.#shows()) super.search = this.#real.search
    this.#isOwn = true
    return super.searchParams
  }
  override get href(): string {
    if (this.#shows()) super.search = this.#real.search
    return super.href
  }
  override set href(value: string) {
    this.#isOwn = true
    super.href = value
  }
  override toString(): string {
    return this.href
  }
  override toJSON(): string {
    return this.href
  }
}
