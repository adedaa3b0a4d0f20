/** When missing frames are shown (vqt.md, section 18, "Missing frames"). */

/**
 * Ticks of `count` frames that are missing between the frames at `before` and `after`, spread evenly.
 *
 * @returns ticks, some of them equal where there are fewer ticks than frames.
 */
export function missingTicks(before: number, after: number, count: number): number[] {
  const [from, span, parts] = [BigInt(before), BigInt(after) - BigInt(before), BigInt(count) + 1n];
  return Array.from({ length: count }, (_, i) => Number(from + (span * BigInt(i + 1)) / parts));
}
