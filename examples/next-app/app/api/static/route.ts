export const dynamic = 'force-static'

export function GET(request: Request) {
  return Response.json({ time: Math.random(), search: new URL(request.url).search })
}
