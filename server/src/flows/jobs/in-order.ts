/** Several steps of a job at one time, their results taken in the order in which the steps were begun. */

/**
 * Begins up to `width` of the steps and hands each result to `take` in their order, so that what was taken is always
 * everything up to some step: a point to resume from. The first error ends it, once nothing is under way any more.
 */
export async function inOrder<T>(
  steps: Iterable<() => Promise<T>> | AsyncIterable<() => Promise<T>>,
  width: number,
  take: (result: T) => Promise<void>,
): Promise<void> {
  const underWay: Promise<T>[] = []
  try {
    for await (const step of steps) {
      const begun = step()
      // Looked at when its turn comes; until then its failure is nobody's.
      begun.catch(() => undefined)
      underWay.push(begun)
      if (underWay.length >= width) await takeFirst(underWay, take)
    }
    while (underWay.length > 0) await takeFirst(underWay, take)
  } finally {
    await Promise.allSettled(underWay)
  }
}

async function takeFirst<T>(
  underWay: Promise<T>[],
  take: (result: T) => Promise<void>,
): Promise<void> {
  const first = underWay[0]
  if (first === undefined) return
  const result = await first
  void underWay.shift()
  await take(result)
}
