import { expectError, expectType } from 'tsd'
import { createClient } from '../dist/client/index.js'
import { route, router } from '../dist/index.js'
import { ImageResponse, type ImageFont } from '../dist/og/index.js'
import type { Reply } from '../dist/replies/index.js'

declare const data: ArrayBuffer
const fonts = [{ name: 'Inter', data }] as const
const element = { type: 'div', props: { children: 'a' } }

expectType<Reply<200, Blob>>(new ImageResponse(element, { fonts }))
expectType<Reply<404, Blob>>(new ImageResponse(element, { fonts, status: 404 }))
expectType<ImageFont>({ name: 'Inter', data, weight: 700, style: 'italic' } as ImageFont)

// React's elements have the same shape.
declare const jsx: { type: any; props: any; key: string | null }
new ImageResponse(jsx, { fonts, width: 10, height: 10, debug: true, emoji: async (emoji) => emoji })

expectError(new ImageResponse(element))
expectError(new ImageResponse(element, {}))
expectError(new ImageResponse(element, { fonts: [] }))
expectError(new ImageResponse('text', { fonts }))
expectError(new ImageResponse(element, { fonts, emoji: 'twemoji' }))
expectError(new ImageResponse(element, { fonts: [{ name: 'Inter', data, weight: 450 }] }))

// The client reads the image as a Blob.
const app = router({ card: route('/card').get(() => new ImageResponse(element, { fonts })) })
const { data: image } = await createClient<typeof app>()('/card').get()
expectType<Blob>(image)
