// How soon something is answered, on a machine that may have other work.

/** On a machine that is slower than that for other work, nothing is forgiven further. */
const MOST_CROWDED = 4;

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** How much longer than its own time work takes on this machine now: 1 where nothing else runs. */
export function crowded() {
  const began = performance.now();
  const { user, system } = process.cpuUsage();
  while (process.cpuUsage().user - user < 40_000);
  const own = process.cpuUsage();
  const factor = (performance.now() - began) / ((own.user - user + own.system - system) / 1000);
  return factor < 1.2 ? 1 : Math.min(MOST_CROWDED, factor);
}
