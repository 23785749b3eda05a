export const origin = 'http://127.0.0.1:3000'

/** The path of each turn. Ten queries take turns; each miss has a new pathname. */
export const jobs = {
  hit: { path: () => '/api/item' },
  'hit, query in the key': { path: (turn) => `/api/search?page=${turn % 10}` },
  '304 by ETag': { path: () => '/api/item', isConditional: true },
  miss: { path: (turn) => `/api/items/${turn}` },
}
