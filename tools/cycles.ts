/** Finds circles in a graph of imports. */

/** For every file that lies on a circle no earlier answer names: the shortest way from it back to
 * itself, as the list of files on the way. Empty exactly when the graph has no circle. */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const seen = new Set<string>()
  const cycles: string[][] = []
  for (const file of [...edges.keys()].sort()) {
    if (seen.has(file)) continue
    const cycle = shortestWayBack(edges, file)
    if (cycle === undefined) continue
    cycles.push(cycle)
    for (const member of cycle) seen.add(member)
  }
  return cycles
}

function shortestWayBack(edges: ReadonlyMap<string, readonly string[]>, start: string) {
  const reached = new Set<string>()
  let ways: string[][] = [[start]]
  while (ways.length > 0) {
    const longer: string[][] = []
    for (const way of ways) {
      for (const next of edges.get(way.at(-1) ?? start) ?? []) {
        if (next === start) return way
        if (reached.has(next)) continue
        reached.add(next)
        longer.push([...way, next])
      }
    }
    ways = longer
  }
  return undefined
}
