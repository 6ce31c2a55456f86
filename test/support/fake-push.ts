import type { RevocationPush } from 'nestjs-token';

/** A channel in memory that tests can make misbehave. Every node takes an end of it. */
export class FakeChannel {
  private readonly listeners = new Map<FakePush, { realm: string; onHint: () => void }>();
  /** How many announcements have been made, delivered or not. */
  announced = 0;
  /** What an announcement does. */
  deliver: (channel: FakeChannel, realm: string) => Promise<void> = async (channel, realm) => channel.hint(realm);

  end(): FakePush {
    return new FakePush(this);
  }

  /** Calls every listener of the realm. */
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

/** One node's end of a channel. */
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
