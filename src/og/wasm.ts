// Hosts that compile WebAssembly at deployment, such as Workers: the bundler copies the files.
import resvg from '@resvg/resvg-wasm/index_bg.wasm'
import layout from 'satori/yoga.wasm'

export interface Wasm {
  readonly layout: WebAssembly.Module
  readonly resvg: WebAssembly.Module
}

export const loadWasm = (): Promise<Wasm> => Promise.resolve({ layout, resvg })
