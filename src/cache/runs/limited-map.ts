/** A map with a limit, above which it forgets the value that was set first. */
export class LimitedMap<value> {
  readonly #map: Map<string, value> = new Map()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): value | undefined {
    return this.#map.get(key)
  }
  set(key: string, value: value): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    if (this.#map.size > this.#limit) this.#map.delete(this.#map.keys().next().value!)
  }
  delete(key: string): void {
    this.#map.delete(key)
  }
}
