export { createCache } from 'byway/cache'
