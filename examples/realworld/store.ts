// The data of the RealWorld API, in memory. An app has a database here.
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto'

export interface User {
  readonly id: string
  email: string
  username: string
  bio: string | null
  image: string | null
  password: Password
}
interface Password {
  readonly salt: Buffer
  readonly hash: Buffer
}
export interface Article {
  slug: string
  title: string
  description: string
  body: string
  readonly tagList: readonly string[]
  readonly createdAt: Date
  updatedAt: Date
  readonly author: User
  readonly favoritedBy: Set<User>
  readonly comments: Comment[]
}
export interface Comment {
  readonly id: number
  readonly body: string
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly author: User
}

export const users = new Set<User>()
export const articles = new Map<string, Article>()
const tokens = new Map<string, User>()
const followed = new Map<User, Set<User>>()
let comments = 0

export const nextCommentId = (): number => ++comments

export const toPassword = (text: string): Password => {
  const salt = randomBytes(16)
  return { salt, hash: scryptSync(text, salt, 32) }
}
export const isPassword = ({ salt, hash }: Password, text: string): boolean =>
  timingSafeEqual(hash, scryptSync(text, salt, 32))

export const addUser = (values: Pick<User, 'email' | 'username'>, password: string): User => {
  const user = { ...values, id: randomUUID(), bio: null, image: null, password: toPassword(password) }
  users.add(user)
  return user
}
export const findUser = (values: Partial<Pick<User, 'email' | 'username'>>): User | undefined =>
  [...users].find((user) => user.email === values.email || user.username === values.username)

export const addToken = (user: User): string => {
  const token = randomBytes(24).toString('base64url')
  tokens.set(token, user)
  return token
}
export const userOf = (token: string): User | undefined => tokens.get(token)

/** The users whom `user` follows. */
export const followedBy = (user: User): Set<User> => {
  const found = followed.get(user) ?? new Set()
  followed.set(user, found)
  return found
}

/** Returns a slug that no article has, except for `own`. */
export const toSlug = (title: string, own?: Article): string => {
  const slug = title.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')
  const other = articles.get(slug)
  return other && other !== own ? `${slug}-${randomBytes(4).toString('hex')}` : slug
}
