export type { CacheStore, Entry, Lease } from './store.js'
