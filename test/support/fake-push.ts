import type { RevocationPush } from 'nestjs-token';

/** A push channel in memory, which tests can disturb. Every node has one end of it. */
export class FakeChannel {
  private readonly listeners = new Map<FakePush, { realm: string; onHint: () => void }>();
  /** The number of announcements, including those that were not delivered. */
  announced = 0;
  /** Delivers an announcement. Tests replace it. */
  deliver: (channel: FakeChannel, realm: string) => Promise<void> = async (channel, realm) => channel.hint(realm);

  end(): FakePush {
    return new FakePush(this);
  }

  /** Calls every listener of an instance name. */
  hint(realm = 'default'): void {
    for (const listener of this.listeners.values()) if (listener.realm === realm) listener.onHint();
  }

  get listening(): number {
    return this.listeners.size;
  }

  attach(end: FakePush, listener: { realm: string; onHint: () => void }): void {
    this.listeners.set(end, listener);
  }

  detach(end: FakePush): void {
    this.listeners.delete(end);
  }
}

/** The end of the channel that one node has. */
export class FakePush implements RevocationPush {
  constructor(private readonly channel: FakeChannel) {}

  async announce(realm: string): Promise<void> {
    this.channel.announced += 1;
    await this.channel.deliver(this.channel, realm);
  }

  async listen(realm: string, onHint: () => void): Promise<void> {
    this.channel.attach(this, { realm, onHint });
  }

  async close(): Promise<void> {
    this.channel.detach(this);
  }
}
