export * from 'byway'
export * as reply from 'byway/reply'
