import { useMutation, useQuery } from '@tanstack/react-query'
import { useId, type FormEvent } from 'react'
import { api, queryClient } from './api.js'

export function NotesPage() {
  // A call is a queryFn as it is.
  const { data: result, error } = useQuery({ queryKey: ['notes'], queryFn: api('/api/notes').get })
  return (
    <main>
      <h1>Notes</h1>
      {result ? (
        <ul>
          {result.data.map(({ slug, title }) => (
            <li key={slug}>
              <a href={`/notes/${encodeURIComponent(slug)}`}>{title}</a>
            </li>
          ))}
        </ul>
      ) : error ? (
        <p role="alert">The notes could not be loaded.</p>
      ) : (
        <p>Loading …</p>
      )}
      <NewNote />
    </main>
  )
}

function NewNote() {
  const titleId = useId()
  const textId = useId()
  // The variables of the mutation are the options of the call.
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: api('/api/notes').post,
    onSuccess: ({ error }) => (error ? undefined : queryClient.invalidateQueries({ queryKey: ['notes'] })),
  })

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const fields = new FormData(form)
    mutate(
      { body: { title: String(fields.get('title')), text: String(fields.get('text')) } },
      { onSuccess: ({ status }) => status === 201 && form.reset() },
    )
  }

  // `status` selects the type of `data.error`.
  const issueOf = (pointer: string) =>
    data?.status === 400 ? data.error.errors?.find((issue) => issue.pointer === pointer)?.detail : undefined
  const titleError = data?.status === 409 ? data.error.detail : issueOf('/title')
  const textError = issueOf('/text')

  return (
    <form onSubmit={submit}>
      <h2>New note</h2>
      <p>
        <label htmlFor={titleId}>Title</label>{' '}
        <input
          id={titleId}
          name="title"
          aria-invalid={titleError !== undefined}
          aria-describedby={`${titleId}-error`}
        />{' '}
        <span id={`${titleId}-error`} role="alert">
          {titleError}
        </span>
      </p>
      <p>
        <label htmlFor={textId}>Text</label>{' '}
        <textarea id={textId} name="text" aria-invalid={textError !== undefined} aria-describedby={`${textId}-error`} />{' '}
        <span id={`${textId}-error`} role="alert">
          {textError}
        </span>
      </p>
      <button disabled={isPending}>Add</button>
      {error && <p role="alert">The note could not be sent. Try again.</p>}
    </form>
  )
}
