import { toNext } from 'byway/next'
import app from '../../../byway'

export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = toNext(app, { basePath: '/byway' })
