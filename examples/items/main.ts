import { serve } from 'byway/node'

try {
  const { default: app } = await import('./app.js')
  const server = serve(app) // on PORT, or 3000
  await server.ready
  console.log(`
  ${server.url} serves the API, and ${server.url}/docs describes it and sends requests. From a shell:

  curl '${server.url}/items?q=sea&tag=blue'
  curl ${server.url}/items/sea-foam
  curl --json '{ "name": "Byway Blue", "hex": "#2f6fde" }' ${server.url}/items
`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
