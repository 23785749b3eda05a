/** What a browser is sent of a file; the build puts it there. */
declare module '*?text' {
  const text: string
  export default text
}
