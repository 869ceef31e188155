/** The isomorphic contract: words, shapes and rules that server and clients share; no I/O. */
export * from './card-number.ts'
export * from './ids.ts'
export * from './money.ts'
export * from './refusals.ts'
export * from './result.ts'
export * from './scopes.ts'
export * from './states.ts'
export * from './time.ts'
