export const dynamicParams = false

export function generateStaticParams() {
  return [{ id: 'a' }, { id: 'b' }]
}

export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }) {
  return Response.json(await params)
}
