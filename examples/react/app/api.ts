import { createClient } from 'byway/client'
import { QueryClient } from '@tanstack/react-query'
import type { app } from '../server/api.js' // a type adds no server code to the bundle

export const api = createClient<typeof app>()

export const queryClient = new QueryClient()
