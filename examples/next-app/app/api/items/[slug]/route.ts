import { NextResponse, type NextRequest } from 'next/server'

type Context = { params: Promise<{ slug: string }> }

export async function GET(request: NextRequest, { params }: Context) {
  const { slug } = await params
  const { pathname, searchParams } = request.nextUrl
  return NextResponse.json({ slug, pathname, tags: searchParams.getAll('tag') })
}

export async function PUT(request: NextRequest, { params }: Context) {
  const { slug } = await params
  return NextResponse.json({ slug, body: await request.json() }, { status: 201, headers: { 'x-slug': slug } })
}

export async function DELETE() {
  return new Response(null, { status: 204 })
}
