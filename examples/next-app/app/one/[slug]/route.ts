import { one } from '../../../byway'

export const { GET, DELETE } = one
