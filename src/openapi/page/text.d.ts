/** The bundled text of a file for the browser; see `embed.ts`. */
declare module '*?text' {
  const text: string
  export default text
}
