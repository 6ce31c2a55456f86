const MIB = 1_048_576;
/** How much more may be in use at the end than in the first half, when everything that is bounded has filled up. */
const MAX_HEAP_GROWTH = 8 * MIB;
const MAX_RSS_GROWTH = 96 * MIB;

interface Sample {
  readonly heap: number;
  readonly rss: number;
}

/** Measures how much memory is in use after the garbage has been collected. */
export class MemoryWatch {
  private readonly samples: Sample[] = [];

  /** Needs `node --expose-gc`. Does nothing without it. */
  async sample(): Promise<void> {
    if (!globalThis.gc) return;
    for (let turn = 0; turn < 4; turn++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    this.samples.push({ heap: heapUsed + external, rss });
  }

  /** Compares the last quarter of the samples with the second one. @returns what has grown too much, and a line about the growth. */
  verdict(): { problem: string | null; summary: string } {
    const quarter = Math.floor(this.samples.length / 4);
    if (quarter < 2) return { problem: null, summary: 'memory: not measured' };
    const growth = (key: keyof Sample): number =>
      least(this.samples.slice(-quarter), key) - least(this.samples.slice(quarter, 2 * quarter), key);
    const [heap, rss] = [growth('heap'), growth('rss')];
    const summary = `memory: heap ${mib(heap)}, RSS ${mib(rss)} from the second quarter to the last`;
    return { problem: heap > MAX_HEAP_GROWTH || rss > MAX_RSS_GROWTH ? summary : null, summary };
  }
}

/** A leak raises the least of several samples; a passing peak does not. */
function least(samples: readonly Sample[], key: keyof Sample): number {
  return Math.min(...samples.map((sample) => sample[key]));
}

function mib(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${(Math.abs(bytes) / MIB).toFixed(1)} MiB`;
}
