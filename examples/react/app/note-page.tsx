import { useQuery } from '@tanstack/react-query'
import { api } from './api.js'

export function NotePage({ slug }: { slug: string }) {
  const { data: result, error } = useQuery({
    queryKey: ['notes', slug],
    queryFn: ({ signal }) => api('/api/notes/[slug]').get({ params: { slug }, signal }),
  })
  if (error) return <p role="alert">The note could not be loaded.</p>
  if (!result) return <p>Loading …</p>
  // A 404 is a result, not an exception.
  if (result.status === 404) return <h1>There is no such note</h1>
  return (
    <main>
      <h1>{result.data.title}</h1>
      <p>{result.data.text}</p>
      <a href="/">All notes</a>
    </main>
  )
}
