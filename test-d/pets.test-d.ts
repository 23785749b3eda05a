// A module of an app: routes, and other exports.
import { route } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

export const Pet = z.object({ id: z.string() })
export class Store {
  readonly self: Store = this
  other = new Map<string, Store>()
}
export const store = new Store()
export const helper = () => 1
export const limit = 5
export const factory = route.prefix('/v2')
export const pet = route('/pets/[id]').get((request, { params }) => ({
  id: params.id,
  born: new Date(),
  tag: undefined as string | undefined,
}))
export const pets = route('/pets').get(() => reply.json([{ id: '1' }]))
