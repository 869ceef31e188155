/** What the drawer of codes offers to who reads it with types: tests. */

/** Rows of modules, dark is true. @throws RangeError for a text that is too long. */
export function qrModules(text: string): boolean[][]
