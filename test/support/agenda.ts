/** Calls functions in the order of their instants. Functions with the same instant are called in the order in which they were planned. */
export class Agenda {
  private readonly planned: { instant: number; act: () => unknown }[] = [];

  constructor(private now: number) {}

  at(instant: number, act: () => unknown): void {
    this.planned.push({ instant: Math.max(instant, this.now), act });
  }

  async run(arrive: (instant: number) => unknown): Promise<void> {
    while (this.planned.length > 0) {
      const next = this.planned.reduce((first, one) => (one.instant < first.instant ? one : first));
      this.planned.splice(this.planned.indexOf(next), 1);
      this.now = next.instant;
      arrive(next.instant);
      await next.act();
    }
  }
}
