import { Logger } from '@nestjs/common';
import type { Observer, Operator, Subscription } from 'rxjs';
import { Observable, Subscriber } from 'rxjs';
import type { TokenEvent } from '../session/session-listener.js';
import { callGuarded } from './guarded-call.js';
import { QuietLog } from './quiet-log.js';

type Receiver<T> = Partial<Observer<T>> | ((value: T) => void) | null;
type OnError = ((error: unknown) => void) | null;
type OnComplete = (() => void) | null;
/** Says in the log that a subscriber has failed. */
type Fail = () => void;

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
  readonly #fail = failureLog();

  /** @internal */
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- see Derived.of
  override lift<R>(operator?: Operator<TokenEvent, R>): Observable<R> {
    return Derived.of(this, operator, this.#fail);
  }

  /** @internal */
  override subscribe(receiver?: Receiver<TokenEvent>, error?: OnError, complete?: OnComplete): Subscription {
    return super.subscribe(guarded(observerOf(receiver, error, complete), this.#fail));
  }
}

/** What an operator makes of {@link TokenEvents}. Its subscribers are guarded too. */
class Derived<T> extends Observable<T> {
  private constructor(private readonly fail: Fail) {
    super();
  }

  /* eslint-disable @typescript-eslint/no-deprecated -- operators of rxjs 7 find the observable that they are applied to in no other way */
  static of<S, T>(source: Observable<S>, operator: Operator<S, T> | undefined, fail: Fail): Derived<T> {
    const derived = new Derived<T>(fail);
    derived.source = source;
    derived.operator = operator;
    return derived;
  }

  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    return Derived.of(this, operator, this.fail);
  }
  /* eslint-enable @typescript-eslint/no-deprecated */

  override subscribe(receiver?: Receiver<T>, error?: OnError, complete?: OnComplete): Subscription {
    return super.subscribe(guarded(observerOf(receiver, error, complete), this.fail));
  }
}

/** Returns what an application has subscribed with as one object. */
function observerOf<T>(receiver?: Receiver<T>, error?: OnError, complete?: OnComplete): Partial<Observer<T>> {
  // An operator, which passes its errors on to the subscriber behind it.
  if (receiver instanceof Subscriber) return receiver;
  const given = typeof receiver === 'function' ? { next: receiver } : receiver;
  return { ...(error && { error }), ...(complete && { complete }), ...bound(given ?? {}) };
}

/** Wraps an observer of an application. rxjs would throw its errors in a timer, which ends the process. */
function guarded<T>(observer: Partial<Observer<T>>, fail: Fail): Partial<Observer<T>> {
  if (observer instanceof Subscriber) return observer;
  return {
    next: (value) => callGuarded((one: T) => observer.next?.(one), value, fail),
    error: (reason) => (observer.error ? callGuarded(observer.error, reason, fail) : fail()),
    complete: () => callGuarded(() => observer.complete?.(), undefined, fail),
  };
}

/** Anyone can cause events, and so failures. */
function failureLog(): Fail {
  const logger = new Logger('TokenModule');
  const quiet = new QuietLog();
  return () => quiet.report('subscriber', (omitted) => logger.error(`a subscriber of TokenEvents failed${omitted}`));
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
