/** The methods of a client from the package `redis` that byway uses: from `createClient`, `createClientPool` or `createCluster`. */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, options: { PX: number; NX?: true; XX?: true }): Promise<unknown>
  del(key: string): Promise<unknown>
  pExpire(key: string, milliseconds: number): Promise<unknown>
  /** Redis's EVAL. The script is a constant of byway, and runs in Redis. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
}

/** The methods of a client from the package `ioredis` that byway uses: a `Redis` or a `Cluster`. */
export interface IORedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, px: 'PX', milliseconds: number): Promise<unknown>
  set(key: string, value: string, px: 'PX', milliseconds: number, condition: 'NX' | 'XX'): Promise<unknown>
  del(key: string): Promise<unknown>
  pexpire(key: string, milliseconds: number): Promise<unknown>
  /** Redis's EVAL. The script is a constant of byway, and runs in Redis. */
  eval(script: string, numberOfKeys: number, key: string, ...args: string[]): Promise<unknown>
  defineCommand(name: string, definition: { lua: string }): unknown
}

/** A client of either package, with the commands that byway sends. Each has one key, so a cluster can route it. */
export interface Redis {
  get(key: string): Promise<unknown>
  /** With a condition, resolves to null if the key has a value (`NX`) or has none (`XX`). */
  set(key: string, value: string, milliseconds: number, condition?: 'NX' | 'XX'): Promise<unknown>
  delete(key: string): Promise<unknown>
  expire(key: string, milliseconds: number): Promise<unknown>
  eval(script: string, key: string, args: readonly string[]): Promise<unknown>
}

/**
 * Wraps a client of the package `redis` or `ioredis`.
 *
 * @throws TypeError if `client` is neither, or is configured to read from replicas or from a client-side cache. `call` names the caller.
 */
export function toRedis(call: string, client: NodeRedisClient | IORedisClient): Redis {
  const members = client as Partial<NodeRedisClient & IORedisClient> | null | undefined
  if (typeof members?.pExpire === 'function') return fromNodeRedis(call, client as NodeRedisClient)
  if (typeof members?.pexpire === 'function' && typeof members.defineCommand === 'function')
    return fromIORedis(call, client as IORedisClient)
  throw new TypeError(
    typeof (client as { then?: unknown } | undefined)?.then === 'function'
      ? `${call} takes a client, not a promise; await it`
      : `${call} takes a client of the package redis (4 or newer) or ioredis; for other clients, write a store`,
  )
}

interface Lagging {
  readonly useReplicas: boolean
  readonly clientSideCache: object
}

function fromNodeRedis(call: string, client: NodeRedisClient): Redis {
  const { options, _options = options } = client as { [key in 'options' | '_options']?: Partial<Lagging> }
  if (_options?.useReplicas)
    throw new TypeError(`${call} needs a client without useReplicas, because a replica lags behind`)
  if (_options?.clientSideCache)
    throw new TypeError(`${call} needs a client without clientSideCache, because that cache lags behind`)
  // Commands reject too, and without a listener the process would end.
  client.on('error', () => {})
  return {
    get: (key) => client.get(key),
    set: (key, value, milliseconds, condition) =>
      client.set(key, value, { PX: milliseconds, ...(condition && ({ [condition]: true } as { NX: true })) }),
    delete: (key) => client.del(key),
    expire: (key, milliseconds) => client.pExpire(key, milliseconds),
    eval: (script, key, args) => client.eval(script, { keys: [key], arguments: [...args] }),
  }
}

function fromIORedis(call: string, client: IORedisClient): Redis {
  const { options } = client as { options?: { scaleReads?: unknown } }
  if ((options?.scaleReads ?? 'master') !== 'master')
    throw new TypeError(`${call} needs a client with scaleReads: 'master', because a replica lags behind`)
  return {
    get: (key) => client.get(key),
    set: (key, value, milliseconds, condition) =>
      condition ? client.set(key, value, 'PX', milliseconds, condition) : client.set(key, value, 'PX', milliseconds),
    delete: (key) => client.del(key),
    expire: (key, milliseconds) => client.pexpire(key, milliseconds),
    eval: (script, key, args) => client.eval(script, 1, key, ...args),
  }
}

/** The text of a reply. Clients with a type mapping return bytes. */
export const toText = (value: unknown): string | undefined =>
  value instanceof Uint8Array ? new TextDecoder().decode(value) : typeof value === 'string' ? value : undefined
