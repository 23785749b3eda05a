import { cookies } from 'next/headers'

export async function GET() {
  const jar = await cookies()
  const before = jar.get('visits')?.value ?? null
  jar.set('visits', String(Number(before ?? 0) + 1), { httpOnly: true, maxAge: 60 })
  jar.delete('old')
  return Response.json({ before, after: jar.get('visits')?.value, old: jar.has('old') })
}
