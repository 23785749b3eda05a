import { NextResponse, type NextRequest } from 'next/server'

export function GET(request: NextRequest) {
  const response = NextResponse.json(request.cookies.getAll().map(({ name, value }) => `${name}=${value}`))
  response.cookies.set('a', '1')
  response.cookies.set({ name: 'b', value: 'x y', path: '/b', sameSite: 'strict', secure: true })
  return response
}
