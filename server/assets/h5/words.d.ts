/** What the shop's words offer to who reads them with types: tests. */

type Words = readonly [chinese: string, english: string]

export const refusals: Readonly<Record<string, Words>>
export function wordsOf(error: object): Words
