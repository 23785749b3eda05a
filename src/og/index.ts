export { ImageResponse } from './image-response.js'
export type { ImageElement, ImageResponseOptions } from './image-response.js'
export type { ImageFont } from './render.js'
