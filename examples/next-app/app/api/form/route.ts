export async function POST(request: Request) {
  const form = await request.formData()
  const file = form.get('file')
  return Response.json({ name: form.get('name'), file: file instanceof File ? [file.name, await file.text()] : null })
}
