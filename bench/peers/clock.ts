/** Milliseconds since 1970 with a fraction; the same clock in every process of one machine. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
