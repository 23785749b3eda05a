import { expectError, expectAssignable } from 'tsd'
import { route } from '../dist/index.js'
import { deploy, vercel, type DeployOptions } from '../dist/vercel/index.js'

expectAssignable<DeployOptions>({ runtime: 'edge', regions: ['fra1'], maxDuration: 60 })
route('/a')
  .use(vercel())
  .use(deploy({ maxDuration: 60 }))
  .get((_request, { params }) => params)

expectError(deploy())
expectError(deploy({ runtime: 'deno' }))
expectError(deploy({ regions: 'fra1' }))
expectError(deploy({ memory: 1024 }))
