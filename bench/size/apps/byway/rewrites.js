import { rewrites, route, router } from 'byway'

const hello = route('/hello/[name]').get((request, { params }) => ({ hello: params.name }))

export default router({ hello }, { rewrites: rewrites([{ source: '/hi/[name]', destination: '/hello/[name]' }]) }).fetch
