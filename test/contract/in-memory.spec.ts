import { describe, it } from '@jest/globals';
import { SystemClock } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository, tokenRepositoryContract } from 'nestjs-token/testing';

describe('InMemoryTokenRepository, by a clock that tests move', () => {
  const contract = tokenRepositoryContract({
    async create() {
      const clock = new FakeClock();
      return { repository: new InMemoryTokenRepository(clock), advance: (milliseconds) => void clock.advance(milliseconds) };
    },
  });
  for (const { title, run } of contract) it(title, run);
});

describe("InMemoryTokenRepository, by the node's clock", () => {
  const contract = tokenRepositoryContract({ create: async () => ({ repository: new InMemoryTokenRepository(new SystemClock()) }) });
  for (const { title, run } of contract) it(title, run);
});
