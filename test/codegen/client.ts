import { createClient } from '../../src/client/index.js'
import app from './zoo.js'

export const api = createClient<typeof app>({ fetch: app.fetch })
