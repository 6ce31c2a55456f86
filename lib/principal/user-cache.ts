/** Maximum number of users that a node remembers. */
const MAX_USERS = 10_000;

interface CachedUser {
  readonly user: object;
  /** The value of `performance.now()` from which the entry is void. */
  readonly voidAt: number;
}

/**
 * What `loadUser` has returned, by subject. A rejection is not kept. Simultaneous calls for one subject share one load. When the cache is
 * full, the entry that was stored first is dropped, which is the one that expires first.
 */
export class UserCache {
  private readonly users = new Map<string, CachedUser>();
  /** Loads under way. Only the one that is registered here when it ends is kept. */
  private readonly loads = new Map<string, Promise<object>>();

  /**
   * @param staysMs milliseconds for which a user stays.
   * @param max maximum number of users. Tests make it small.
   */
  constructor(
    private readonly staysMs: number,
    private readonly max: number = MAX_USERS,
  ) {}

  /** Returns the user of a subject, if it is known. No I/O. */
  get(subject: string): object | undefined {
    const found = this.users.get(subject);
    return found && performance.now() < found.voidAt ? found.user : undefined;
  }

  /** Returns the user of a subject. Loads it if it is not known, or joins a load that is under way. */
  async recall(subject: string, load: () => Promise<object>): Promise<object> {
    return this.get(subject) ?? this.loads.get(subject) ?? this.reload(subject, load);
  }

  /** Loads the user of a subject, whatever is known, and keeps it. A load that is under way already may be older, so it is not kept. */
  async reload(subject: string, load: () => Promise<object>): Promise<object> {
    const loading = load();
    this.loads.set(subject, loading);
    try {
      const user = await loading;
      if (this.loads.get(subject) === loading) this.keep(subject, user);
      return user;
    } catch (error) {
      // What was known before may be out of date: the user may be gone.
      if (this.loads.get(subject) === loading) this.users.delete(subject);
      throw error;
    } finally {
      if (this.loads.get(subject) === loading) this.loads.delete(subject);
    }
  }

  /** Forgets a subject. A load that is under way is not kept. */
  forget(subject: string): void {
    this.users.delete(subject);
    this.loads.delete(subject);
  }

  /** Number of users, for tests. */
  get size(): number {
    return this.users.size;
  }

  private keep(subject: string, user: object): void {
    this.users.delete(subject);
    const [oldest] = this.users.size >= this.max ? this.users.keys() : [];
    if (oldest !== undefined) this.users.delete(oldest);
    this.users.set(subject, { user, voidAt: performance.now() + this.staysMs });
  }
}
