import { expectError, expectAssignable, expectType } from 'tsd'
import { createCache, type Entry } from '../dist/cache/index.js'
import { route } from '../dist/index.js'
import {
  cdnTags,
  deploy,
  vercel,
  type CdnTagHeader,
  type CdnTagsOptions,
  type DeployOptions,
} from '../dist/vercel/index.js'

expectAssignable<DeployOptions>({ runtime: 'edge', regions: ['fra1'], maxDuration: 60 })
route('/a')
  .use(vercel())
  .use(deploy({ maxDuration: 60 }))
  .get((_request, { params }) => params)

expectError(deploy())
expectError(deploy({ runtime: 'deno' }))
expectError(deploy({ regions: 'fra1' }))
expectError(deploy({ memory: 1024 }))

expectType<(entry: Entry) => Entry>(cdnTags())
expectAssignable<CdnTagsOptions>({ headers: ['cache-tag'] })
expectAssignable<CdnTagHeader>('netlify-cache-tag')
createCache({ complete: cdnTags({ headers: ['vercel-cache-tag'] }) })

expectError(cdnTags({ headers: ['x-tag'] }))
expectError(cdnTags({ headers: 'cache-tag' }))
expectError(createCache({ complete: cdnTags }))
expectError(createCache({ complete: (entry: Entry) => entry.headers }))
