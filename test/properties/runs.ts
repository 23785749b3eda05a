/** Returns the number of runs of a property: `full` in `npm run test:full`, a fifth of that in `npm test`. */
export const runs = (full: number): number => (process.env['BYWAY_TEST'] === 'full' ? full : Math.ceil(full / 5))
