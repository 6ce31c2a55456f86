import type { RefreshTokenPosition } from 'nestjs-token';

/**
 * What distinguishes the positions of a state: generations count from `origin`, and of the branches within a generation only their
 * order, and whether they are 0, makes a difference. Two states that come out the same have the same future.
 */
export class Ranks {
  private readonly branches = new Map<number, number[]>();

  /** @param positions every position that the state holds. */
  constructor(
    private readonly origin: number,
    positions: Iterable<RefreshTokenPosition>,
  ) {
    for (const { generation, branch } of positions) {
      const known = this.branches.get(generation) ?? [0];
      if (!known.includes(branch)) known.push(branch);
      this.branches.set(generation, known);
    }
    for (const known of this.branches.values()) known.sort((a, b) => a - b);
  }

  of({ generation, branch }: RefreshTokenPosition): RefreshTokenPosition {
    return { generation: generation - this.origin, branch: this.branches.get(generation)!.indexOf(branch) };
  }
}

/** The parent that a row could recover, as a position; none: as if it were branch 0. */
export function parentOf(row: { readonly generation: number; readonly parentBranch: number }): RefreshTokenPosition {
  return { generation: row.generation - 1, branch: Math.max(row.parentBranch, 0) };
}

/** Later in the order in which a session hands its tokens out. */
export function isHigher(one: RefreshTokenPosition, other: RefreshTokenPosition): boolean {
  return one.generation > other.generation || (one.generation === other.generation && one.branch > other.branch);
}
