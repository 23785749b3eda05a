import { revalidatePath, revalidateTag } from 'next/cache'

export async function POST(request: Request) {
  const { tag, path } = (await request.json()) as { tag?: string; path?: string }
  if (tag) revalidateTag(tag, { expire: 0 })
  if (path) revalidatePath(path)
  return Response.json({ tag, path })
}
