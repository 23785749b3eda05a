export { jwt } from './jwt.js'
export type { JwtAlgorithm, JwtOptions } from './jwt.js'
