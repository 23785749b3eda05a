import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queryClient } from './api.js'
import { NotePage } from './note-page.js'
import { NotesPage } from './notes-page.js'

// A router for the browser belongs here if there are more pages.
const slug = /^\/notes\/([^/]+)$/.exec(location.pathname)?.[1]

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      {slug === undefined ? <NotesPage /> : <NotePage slug={decodeURIComponent(slug)} />}
    </QueryClientProvider>
  </StrictMode>,
)
