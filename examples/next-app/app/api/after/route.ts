import { after } from 'next/server'

const log: string[] = []

export function GET() {
  return Response.json(log)
}

export function POST() {
  after(() => void log.push('after'))
  return Response.json([...log])
}
