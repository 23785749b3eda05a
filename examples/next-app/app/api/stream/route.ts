const encoder = new TextEncoder()

export function GET() {
  let count = 0
  const body = new ReadableStream({
    pull(controller) {
      if (count === 3) return controller.close()
      controller.enqueue(encoder.encode(`part ${count++}\n`))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
