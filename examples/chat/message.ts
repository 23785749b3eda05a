// A model of three lines. In an app: `streamText` from the AI SDK, as in ai.ts.
async function* generate(prompt: string, signal: AbortSignal) {
  for (const word of `You asked about ${prompt}. Tea is in stock.`.split(/(?<= )/)) {
    if (signal.aborted) return
    await new Promise((resolve) => setTimeout(resolve, 5))
    yield word
  }
}

/** A message that is generated once, for any number of readers. In an app with several processes, its words are in Redis. */
export class Message {
  readonly words: string[] = []
  isDone = false
  readonly #stop = new AbortController()
  readonly #changes = new EventTarget()

  constructor(prompt: string) {
    void this.#run(prompt)
  }
  async #run(prompt: string): Promise<void> {
    for await (const word of generate(prompt, this.#stop.signal)) {
      this.words.push(word)
      this.#notify()
    }
    this.isDone = true
    this.#notify()
  }
  #notify(): void {
    this.#changes.dispatchEvent(new Event('change'))
  }
  #change(): Promise<unknown> {
    return new Promise((resolve) => this.#changes.addEventListener('change', resolve, { once: true }))
  }
  /** The words from `index` on, with those that are still to come. */
  async *from(index: number) {
    for (let next = index; ; next++) {
      while (next >= this.words.length && !this.isDone) await this.#change()
      if (next >= this.words.length) return
      yield { id: String(next + 1), event: 'word', data: { text: this.words[next]! } }
    }
  }
  stop(): void {
    this.#stop.abort()
  }
}
