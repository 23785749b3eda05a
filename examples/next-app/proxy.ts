import { NextResponse, type NextRequest } from 'next/server'

export function proxy(request: NextRequest) {
  const { pathname } = request.nextUrl
  if (pathname === '/api/proxied/rewrite') return NextResponse.rewrite(new URL('/api/hello', request.url))
  if (pathname === '/api/proxied/redirect') return NextResponse.redirect(new URL('/api/hello', request.url))
  const headers = new Headers(request.headers)
  headers.set('x-agent', 'from the proxy')
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('x-proxied', '1')
  return response
}

export const config = { matcher: ['/api/proxied/:path*', '/api/headers'] }
