import { Logger } from '@nestjs/common';
import type { Observer, Operator, Subscription } from 'rxjs';
import { Observable, Subscriber } from 'rxjs';
import type { TokenEvent } from '../session/session-listener.js';
import { callGuarded } from './guarded-call.js';

type Receiver<T> = Partial<Observer<T>> | ((value: T) => void) | null;
type OnError = ((error: unknown) => void) | null;
type OnComplete = (() => void) | null;

/**
 * The events of one module instance as an observable of rxjs. It is hot: a subscriber is told what happens from then on. It completes when
 * the application closes. A subscriber that throws or rejects harms nothing, and the log says so. After an operator that fails, such as a
 * `map`, its own subscriber is told nothing more.
 *
 * Inject it by its class. For a named instance, use {@link InjectTokenEvents}.
 *
 * @example
 * ```ts
 * constructor(events: TokenEvents) {
 *   events.pipe(filter((event) => event.type === 'reuse')).subscribe((event) => this.alert(event));
 * }
 * ```
 */
export class TokenEvents extends Observable<TokenEvent> {
  /** @internal */
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- see Derived.from
  override lift<R>(operator?: Operator<TokenEvent, R>): Observable<R> {
    return Derived.from(this, operator);
  }

  /** @internal */
  override subscribe(receiver?: Receiver<TokenEvent>, error?: OnError, complete?: OnComplete): Subscription {
    return super.subscribe(guarded(receiver, error, complete));
  }
}

/** What an operator makes of {@link TokenEvents}. Its subscribers are guarded too. */
class Derived<T> extends Observable<T> {
  /* eslint-disable @typescript-eslint/no-deprecated -- operators of rxjs 7 find the observable that they are applied to in no other way */
  static from<S, T>(source: Observable<S>, operator: Operator<S, T> | undefined): Derived<T> {
    const derived = new Derived<T>();
    derived.source = source;
    derived.operator = operator;
    return derived;
  }

  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    return Derived.from(this, operator);
  }
  /* eslint-enable @typescript-eslint/no-deprecated */

  override subscribe(receiver?: Receiver<T>, error?: OnError, complete?: OnComplete): Subscription {
    return super.subscribe(guarded(receiver, error, complete));
  }
}

/** Wraps what an application has subscribed with. rxjs would throw its errors in a timer, which ends the process. */
function guarded<T>(receiver?: Receiver<T>, error?: OnError, complete?: OnComplete): Partial<Observer<T>> {
  // An operator, which passes its errors on to the subscriber behind it.
  if (receiver instanceof Subscriber) return receiver;
  const given = typeof receiver === 'function' ? { next: receiver } : receiver;
  const observer: Partial<Observer<T>> = { ...(error && { error }), ...(complete && { complete }), ...bound(given ?? {}) };
  return {
    next: (value) => callGuarded((one: T) => observer.next?.(one), value, fail),
    error: (reason) => (observer.error ? callGuarded(observer.error, reason, fail) : fail()),
    complete: () => callGuarded(() => observer.complete?.(), undefined, fail),
  };
}

function fail(): void {
  new Logger('TokenModule').error('a subscriber of TokenEvents failed');
}

/** The methods of an observer may use `this`. */
function bound<T>(observer: Partial<Observer<T>>): Partial<Observer<T>> {
  const { next, error, complete } = observer;
  return {
    ...(next && { next: next.bind(observer) }),
    ...(error && { error: error.bind(observer) }),
    ...(complete && { complete: complete.bind(observer) }),
  };
}
