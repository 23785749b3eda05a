import react from '@vitejs/plugin-react'
import { toNodeHandler } from 'byway/node'
import { defineConfig, type Plugin } from 'vite'

/** Serves the API in the process of Vite. A change of its modules takes effect with the next request. */
const api: Plugin = {
  name: 'api',
  configureServer({ middlewares, ssrLoadModule }) {
    middlewares.use(async (request, response, next) => {
      if (!/^\/api(?:[/?]|$)/.test(request.url ?? '')) return next()
      try {
        const { app } = (await ssrLoadModule('/server/api.ts')) as typeof import('./server/api.js')
        toNodeHandler(app)(request, response)
      } catch (error) {
        next(error) // Vite shows it
      }
    })
  },
}

export default defineConfig({ plugins: [react(), api] })
