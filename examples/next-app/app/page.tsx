export default function Page() {
  return <p>The route handlers are below /api.</p>
}
