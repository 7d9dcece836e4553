/** Cycles in a graph of imports, each told once as the way round it. */
export function findCycles(links: ReadonlyMap<string, readonly string[]>): string[] {
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push([...trail.slice(start), path].join(" → "));
      return;
    }
    if (finished.has(path)) return;
    for (const target of links.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  };
  for (const path of links.keys()) visit(path, []);
  return cycles;
}
