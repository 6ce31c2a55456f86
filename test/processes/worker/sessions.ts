import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import type { RefreshService, RefreshTokenPosition, RotationConditions, SessionKey, SessionSnapshot } from 'nestjs-token';
import { SystemClock, TokenError } from 'nestjs-token';
import { TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { composeInstance } from '../../support/instance.js';
import { resolveTokenOptions } from '../../support/lib.js';
import type { Command, DeathPoint, PresentCommand, Presented, SignedIn, WorkerSetup } from './messages.js';
import { REALM, WORKER_OPTIONS } from './messages.js';
import type { Program } from './program.js';
import { prepareConnections, StatementLog } from './statement-log.js';

/** Statements of one presentation. */
const counting = new AsyncLocalStorage<{ statements: number }>();

/** Sessions without HTTP: instances of the module over one repository. */
class Sessions implements Program {
  readonly port = null;
  private readonly lanes = new Map<string, RefreshService[]>();

  constructor(
    private readonly setup: WorkerSetup,
    private readonly dataSource: DataSource,
    private readonly repository: MortalRepository,
  ) {}

  async carryOut(command: Command, answer: (index: number, answer: Presented) => void): Promise<unknown> {
    switch (command.do) {
      case 'present':
        return this.present(command, answer);
      case 'sign in':
        return Promise.all(command.subjects.map((subject) => this.signIn(subject, command.realm)));
      case 'sign out':
        await begin(command.at);
        return Promise.all(command.tokens.map((token) => this.lane(command.realm).signOut(token)));
      case 'revoke all':
        return this.lane(command.realm).revokeAll(command.subject);
      case 'query':
        return this.dataSource.query(command.sql);
      case 'die':
        this.repository.dieAt(command.when);
        return;
      default:
        throw new Error(`not for this process: ${command.do}`);
    }
  }

  private async present({ tokens, realm, lanes, at }: PresentCommand, answer: (index: number, answer: Presented) => void): Promise<void> {
    const services = tokens.map((_, index) => this.lane(realm, index % lanes));
    await begin(at);
    await Promise.all(services.map(async (service, index) => answer(index, await presented(service, tokens[index] ?? ''))));
  }

  private async signIn(subject: string, realm: string): Promise<SignedIn> {
    const { sessionId, refreshToken = '', accessToken } = await this.lane(realm).signIn(subject);
    return { sessionId, refreshToken, accessToken };
  }

  private lane(realm: string, index = 0): RefreshService {
    const lanes = this.lanes.get(realm) ?? [];
    this.lanes.set(realm, lanes);
    const options = resolveTokenOptions({ ...WORKER_OPTIONS, ...this.setup.options }, realm);
    while (lanes.length <= index) {
      lanes.push(composeInstance({ name: realm, options, repository: this.repository, clock: new SystemClock() }).refresh);
    }
    return lanes[index]!;
  }
}

/** A repository whose process can be made to die at a given point of a rotation. */
class MortalRepository extends TypeOrmTokenRepository {
  private death: DeathPoint | null = null;

  dieAt(when: DeathPoint): void {
    this.death = when;
  }

  override async rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationConditions): Promise<SessionSnapshot | null> {
    const rotated = await super.rotate(key, position, terms);
    if (this.death === 'after its statement') die();
    return rotated;
  }

  onStatement(): void {
    const counter = counting.getStore();
    if (counter) counter.statements += 1;
    if (this.death === 'before its statement') die();
  }
}

/** Connects, without counting what that takes. */
export async function openSessions(setup: WorkerSetup): Promise<Program> {
  const onStatement = (): void => repository.onStatement();
  const dataSource = new DataSource({
    ...setup.dataSource,
    entities: [TokenSessionEntity],
    logging: ['query'],
    logger: new StatementLog(onStatement),
  });
  const { patience } = resolveTokenOptions({ ...WORKER_OPTIONS, ...setup.options }, REALM);
  const repository = new MortalRepository(dataSource, { patience });
  await dataSource.initialize();
  await prepareConnections(dataSource, setup.onConnection);
  return new Sessions(setup, dataSource, repository);
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}

/** Waits for an instant that all processes share: roughly by a timer, the rest without giving way. */
async function begin(at: bigint): Promise<void> {
  const left = Number(at - process.hrtime.bigint()) / 1e6;
  if (left > 3) await wait(left - 2);
  while (process.hrtime.bigint() < at);
}

async function presented(service: RefreshService, token: string): Promise<Presented> {
  const counter = { statements: 0 };
  return counting.run(counter, async () => {
    try {
      const { outcome, pair } = await service.rotate(token);
      const { accessToken, refreshToken } = pair;
      return { outcome, accessToken, ...(refreshToken !== undefined && { refreshToken }), statements: counter.statements };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return {
        outcome: error.errorCode,
        statements: counter.statements,
        ...(error.cause !== undefined && { cause: causeOf(error.cause) }),
      };
    }
  });
}

/** With what lies behind a conflict. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.cause === undefined ? error.message : `${error.message}: ${causeOf(error.cause)}`;
}
