import { describe, it } from '@jest/globals';
import { SystemClock } from '../../lib/clock.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { InMemoryTokenRepository } from '../../lib/testing/in-memory-token.repository.js';
import { tokenRepositoryContract } from '../../lib/testing/repository-contract.js';

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
