import { userAgent } from 'next/server'

export function GET(request: Request) {
  const { isBot, browser, os } = userAgent(request)
  return Response.json({ isBot, browser: browser.name, os: os.name })
}
