import { encodeValue, isPlain, nameOf } from '../key.js'
import type { Tracker } from './tracker.js'

/** Decides about reads of one object's members. */
export interface Watcher {
  /** A read of a member, present or absent. Returns the value that the reader gets. */
  get(name: PropertyKey, value: unknown): unknown
  /** A question whether a member is present. */
  has(name: PropertyKey, isPresent: boolean): boolean
  /** A read of all names. `isOpen` tells which names can be read. */
  list(names: PropertyKey[], isOpen: (name: PropertyKey) => boolean): PropertyKey[]
}

/** Whether a member can be read without the watcher. */
export type IsOpen = (name: PropertyKey, target: object) => boolean

/** What a member is replaced by, or `none`. */
export type Replace = (name: PropertyKey, target: object) => unknown
export const none: unique symbol = Symbol('none')

/** Makes an object whose reads go through a watcher. */
export const watch = (
  target: object,
  watcher: Watcher,
  isOpen: IsOpen,
  replace: Replace,
  shadow: object = target,
): any => new Proxy(shadow, new Traps(target, watcher, isOpen, replace))

// A class, because a miss makes one for each middleware and the handler.
class Traps implements ProxyHandler<object> {
  private readonly target: object
  private readonly watcher: Watcher
  private readonly isOpen: IsOpen
  private readonly replace: Replace

  constructor(target: object, watcher: Watcher, isOpen: IsOpen, replace: Replace) {
    this.target = target
    this.watcher = watcher
    this.isOpen = isOpen
    this.replace = replace
  }

  get(_: object, name: PropertyKey): unknown {
    const { target } = this
    const replaced = this.replace(name, target)
    if (replaced !== none) return replaced
    const value: unknown = Reflect.get(target, name, target)
    return this.isOpen(name, target) ? value : this.watcher.get(name, value)
  }

  has(_: object, name: PropertyKey): boolean {
    const isPresent = name in this.target
    if (this.replace(name, this.target) !== none) return true
    return this.isOpen(name, this.target) ? isPresent : this.watcher.has(name, isPresent)
  }

  ownKeys(): (string | symbol)[] {
    const isOpen = (name: PropertyKey): boolean => this.isOpen(name, this.target)
    return this.watcher.list(Reflect.ownKeys(this.target), isOpen) as string[]
  }

  getOwnPropertyDescriptor(_: object, name: PropertyKey): PropertyDescriptor | undefined {
    const isOwn = Object.hasOwn(this.target, name)
    if (!(this.isOpen(name, this.target) ? isOwn : this.watcher.has(name, isOwn))) return undefined
    return { value: this.get(_, name), writable: true, enumerable: true, configurable: true }
  }

  set(_: object, name: PropertyKey, value: unknown): boolean {
    return Reflect.set(this.target, name, value)
  }

  getPrototypeOf(): object | null {
    return Reflect.getPrototypeOf(this.target)
  }
}

/** What `key` read of one object, by name. Names of methods are `get:theme`; an object that was read into has its own reads. */
export interface Reads {
  readonly values: Map<PropertyKey, Reads | undefined>
  readonly presences: Set<PropertyKey>
  isListed: boolean
}

export const toReads = (): Reads => ({ values: new Map(), presences: new Set(), isListed: false })

/** Records what `key` reads. Each path and value is added to `pairs`, which become part of the key. */
export class Recorder implements Watcher {
  readonly #reads: Reads
  readonly #pairs: unknown[]
  readonly #path: string

  constructor(reads: Reads, pairs: unknown[], path = 'context') {
    this.#reads = reads
    this.#pairs = pairs
    this.#path = path
  }

  get(name: PropertyKey, value: unknown): unknown {
    const path = `${this.#path}.${String(name)}`
    const { values } = this.#reads
    const isObject = typeof value === 'object' && value !== null
    if (!isObject || Array.isArray(value)) {
      if (typeof value === 'function') reject(path, value)
      values.set(name, undefined)
      this.#pairs.push(path, encodeValue(value))
      return value
    }
    const inner = values.get(name) ?? toReads()
    values.set(name, inner)
    this.#pairs.push(path)
    if (isPlain(Object.getPrototypeOf(value)))
      return watch(value, new Recorder(inner, this.#pairs, path), isInherited, () => none, {})
    if (!isJar(value)) reject(path, value)
    return toJar(value, (call, method, ...given) => {
      if (!(method in jarMethods))
        throw new TypeError(`cache({ key }) cannot call ${path}.${call}; it can read cookies`)
      const found: unknown = value[method as 'getAll'](...given)
      if (given.length) inner.values.set(`${method}:${given[0]}`, undefined)
      else inner.isListed = true
      this.#pairs.push(call, encodeValue(found))
      return found
    })
  }

  has(name: PropertyKey, isPresent: boolean): boolean {
    this.#reads.presences.add(name)
    this.#pairs.push(`${this.#path}.${String(name)}`, isPresent)
    return isPresent
  }

  list(names: PropertyKey[]): PropertyKey[] {
    this.#reads.isListed = true
    this.#pairs.push(this.#path, names.map(String))
    return names
  }
}

/** Lets the handler read what `key` read, and tracks each other read. */
export class Guard implements Watcher {
  readonly #reads: Reads
  readonly #tracker: Tracker
  readonly #path: string

  constructor(reads: Reads, tracker: Tracker, path = 'context') {
    this.#reads = reads
    this.#tracker = tracker
    this.#path = path
  }

  get(name: PropertyKey, value: unknown): unknown {
    const path = `${this.#path}.${String(name)}`
    if (!this.#reads.values.has(name)) return this.#tracker.allows(path) ? value : undefined
    const inner = this.#reads.values.get(name)
    if (!inner || typeof value !== 'object' || value === null) return value
    if (isPlain(Object.getPrototypeOf(value)))
      return watch(value, new Guard(inner, this.#tracker, path), isInherited, () => none, {})
    const jar = value as Jar
    return toJar(jar, (call, method, ...given) => {
      const isKeyed =
        method in jarMethods &&
        (inner.isListed ||
          inner.values.has(`${method}:${given[0]}`) ||
          (method === 'has' && inner.values.has(`get:${given[0]}`)))
      if (isKeyed || this.#tracker.allows(`${path}.${call}`)) return jar[method as 'getAll'](...given)
      return method === 'getAll' ? [] : undefined
    })
  }

  has(name: PropertyKey, isPresent: boolean): boolean {
    const { values, presences } = this.#reads
    if (values.has(name) || presences.has(name)) return isPresent
    return this.#tracker.allows(`${this.#path}.${String(name)}`) && isPresent
  }

  list(names: PropertyKey[], isOpen: (name: PropertyKey) => boolean): PropertyKey[] {
    if (this.#reads.isListed || this.#tracker.allows(`all of ${this.#path}`)) return names
    return names.filter((name) => isOpen(name) || this.#reads.values.has(name))
  }
}

// What plain objects inherit is not data. The language reads symbols and `then`.
const isInherited: IsOpen = (name, object) =>
  !Object.hasOwn(object, name) && (name in object || typeof name === 'symbol' || name === 'then')

/** Cookies, or anything else that is read by name. */
interface Jar {
  get(name: string): unknown
  has(name: string): unknown
  getAll(...name: string[]): unknown
}

const jarMethods = { get: 1, has: 1, getAll: 1 }

const isJar = (value: unknown): value is Jar =>
  Object.keys(jarMethods).every((method) => typeof (value as Record<string, unknown>)[method] === 'function')

// Members that are not methods are absent.
const toJar = (jar: Jar, call: (text: string, method: string, ...given: string[]) => unknown): object =>
  new Proxy(jar, {
    get: (_, method) =>
      typeof jar[method as 'get'] === 'function'
        ? (...given: string[]) =>
            call(`${String(method)}(${given.map((value) => JSON.stringify(value)).join()})`, method as string, ...given)
        : undefined,
  })

function reject(path: string, value: unknown): never {
  throw new TypeError(`cache({ key }) reads ${path}, which is ${nameOf(value)}; it can read plain data and cookies`)
}
