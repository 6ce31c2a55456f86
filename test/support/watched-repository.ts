import type { SessionSnapshot, TokenRepository } from 'nestjs-token';

/** Wraps a repository and counts the calls of all its methods. */
export function countingCalls(repository: TokenRepository): { repository: TokenRepository; calls: () => number } {
  let calls = 0;
  const counting = new Proxy(repository, {
    get(target, verb: keyof TokenRepository) {
      calls += 1;
      return target[verb].bind(target);
    },
  });
  return { repository: counting, calls: () => calls };
}

/** Wraps a repository and counts the calls that have changed something. */
export function countingWrites(repository: TokenRepository): { repository: TokenRepository; writes: () => number } {
  let writes = 0;
  const counting = new Proxy(repository, {
    get(target, verb: keyof TokenRepository) {
      return async (...args: never[]): Promise<unknown> => {
        const result: unknown = await (target[verb] as (...given: never[]) => unknown).apply(target, args);
        const changes =
          verb === 'insert' || (['rotate', 'advance'].includes(verb) && result !== null) || (verb === 'revoke' && result === true);
        if (changes) writes += 1;
        return result;
      };
    },
  });
  return { repository: counting, writes: () => writes };
}

/** Wraps a repository so that its first read returns this snapshot. Unless `rotates` is true, it does not rotate before that read. */
export function readingFirst(repository: TokenRepository, snapshot: SessionSnapshot, { rotates = true } = {}): TokenRepository {
  let hasRead = false;
  return new Proxy(repository, {
    get(target, verb: keyof TokenRepository) {
      if (hasRead || (verb !== 'find' && (rotates || verb !== 'rotate'))) return target[verb].bind(target);
      hasRead = verb === 'find';
      return async () => (verb === 'find' ? snapshot : null);
    },
  });
}
