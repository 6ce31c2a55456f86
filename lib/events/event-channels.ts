import type { Channel } from 'node:diagnostics_channel';
import { channel } from 'node:diagnostics_channel';
import type { TokenEvent } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';

/** Begins the name of each channel. */
export const CHANNEL_PREFIX = 'nestjs-token:';

/** Publishes each event on a channel of `node:diagnostics_channel` with its name, such as `nestjs-token:reuse`. */
export class EventChannels implements EventSubscriber {
  /** Node keeps only channels that somebody holds. */
  private readonly channels = new Map<TokenEvent['type'], Channel>();

  wants(type: TokenEvent['type']): boolean {
    return this.channelOf(type).hasSubscribers;
  }

  on(event: TokenEvent): void {
    this.channelOf(event.type).publish(event);
  }

  private channelOf(type: TokenEvent['type']): Channel {
    const known = this.channels.get(type);
    if (known) return known;
    const made = channel(`${CHANNEL_PREFIX}${type}`);
    this.channels.set(type, made);
    return made;
  }
}
