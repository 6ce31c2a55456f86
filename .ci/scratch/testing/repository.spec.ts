import { FakeClock, InMemoryTokenRepository, tokenRepositoryContract } from 'nestjs-token/testing';

async function create() {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock); // your own class here
  return { repository, advance: (milliseconds: number) => void clock.advance(milliseconds) };
}

describe('the repository', () => {
  for (const { title, run } of tokenRepositoryContract({ create })) it(title, run);
});
