import { forbidden, notFound, permanentRedirect, redirect, unauthorized } from 'next/navigation'
import { NextResponse, type NextRequest } from 'next/server'

type Context = { params: Promise<{ kind: string }> }

async function respond(request: NextRequest, { params }: Context) {
  const { kind } = await params
  if (kind === 'redirect') redirect('/api/hello')
  if (kind === 'permanent') permanentRedirect('/api/hello?a=1;2')
  if (kind === 'external') redirect('https://example.com/x')
  if (kind === 'response') return NextResponse.redirect(new URL('/api/hello', request.url), 303)
  if (kind === 'not-found') notFound()
  if (kind === 'forbidden') forbidden()
  if (kind === 'unauthorized') unauthorized()
  if (kind === 'error') throw new Error('broken')
  return NextResponse.json({ kind })
}
export { respond as GET, respond as POST }
