import { draftMode } from 'next/headers'

export async function GET() {
  return Response.json({ isEnabled: (await draftMode()).isEnabled })
}

export async function POST() {
  const draft = await draftMode()
  draft.enable()
  return Response.json({ isEnabled: draft.isEnabled })
}
