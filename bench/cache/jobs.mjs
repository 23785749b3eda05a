export const origin = 'http://127.0.0.1:3000'

/** A new Request for each turn. Ten queries take turns; a miss asks for what nobody has asked for. */
export const jobs = {
  hit: { path: () => '/api/item' },
  'hit, query in the key': { path: (turn) => `/api/search?page=${turn % 10}` },
  '304 by ETag': { path: () => '/api/item', isConditional: true },
  miss: { path: (turn) => `/api/items/${turn}` },
}
