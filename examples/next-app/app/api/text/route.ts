export async function POST(request: Request) {
  return new Response((await request.text()).toUpperCase(), { headers: { 'content-type': 'text/plain' } })
}
