/** There is at most one line for each key in this time, in milliseconds. */
const QUIET_MS = 60_000;

/** What has been left out of the log. */
interface Silence {
  until: number;
  omitted: number;
}

/** Bounds the lines about what anyone can cause as often as they like, so that nobody can fill the disk. */
export class QuietLog {
  private readonly silences = new Map<string, Silence>();

  /**
   * Writes a line, unless one with the same key was written within the last minute.
   * @param key one of a few constants.
   * @param write gets the end of the line, which says how many lines were left out. It is empty if none were.
   */
  report(key: string, write: (omitted: string) => void): void {
    const now = performance.now();
    const silence = this.silences.get(key);
    if (silence && now < silence.until) {
      silence.omitted++;
      return;
    }
    this.silences.set(key, { until: now + QUIET_MS, omitted: 0 });
    write(silence && silence.omitted > 0 ? `, and ${silence.omitted} more since the last line` : '');
  }
}
