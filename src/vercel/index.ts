export { deploy } from './deploy.js'
export type { DeployOptions } from './deploy.js'
export { vercel } from './vercel.js'
