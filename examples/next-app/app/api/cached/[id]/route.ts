import { unstable_cache } from 'next/cache'

export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const load = unstable_cache(async () => ({ id, value: Math.random() }), ['cached', id], {
    tags: ['cached', `cached:${id}`],
  })
  return Response.json(await load())
}
