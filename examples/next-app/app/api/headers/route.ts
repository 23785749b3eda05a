import { headers } from 'next/headers'

export async function GET() {
  const all = await headers()
  return Response.json({ agent: all.get('x-agent'), has: all.has('x-none') })
}
