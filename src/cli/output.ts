import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a result to stdout, or to `file`, and then prints the file and its size to stderr. */
export async function writeResult(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
    })
    return
  }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  process.stderr.write(`${file}: ${Buffer.byteLength(text)} bytes\n`)
}
