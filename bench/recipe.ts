import { Body, Controller, HttpCode, Inject, Module, Post, UnauthorizedException } from '@nestjs/common';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import bcrypt from 'bcryptjs';
import { createHash, randomUUID } from 'node:crypto';
import type { DataSourceOptions } from 'typeorm';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';

const ACCESS_SECRET = 'the-access-secret-of-the-recipe-with-50-letters-xx';
const REFRESH_SECRET = 'the-refresh-secret-of-the-recipe-with-51-letters-xx';

/** The table of the recipe. It contains the hash of the current refresh token of each session. */
@Entity({ name: 'recipe_session' })
export class RecipeSession {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ type: 'varchar', length: 255 })
  userId!: string;

  @Column({ type: 'varchar', length: 64 })
  tokenHash!: string;

  @Column({ type: 'timestamptz' })
  expiresAt!: Date;
}

/** How the recipe hashes a refresh token. */
interface Hashing {
  hash(token: string): Promise<string>;
  matches(token: string, hash: string): Promise<boolean>;
}

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
/** Hashes the signature only, because bcrypt reads no more than 72 bytes and all tokens begin alike. */
const signatureOf = (token: string) => token.slice(token.lastIndexOf('.') + 1);

export const HASHINGS = {
  sha256: { hash: async (token) => sha256(token), matches: async (token, hash) => sha256(token) === hash },
  bcrypt: { hash: (token) => bcrypt.hash(signatureOf(token), 10), matches: (token, hash) => bcrypt.compare(signatureOf(token), hash) },
} satisfies Record<string, Hashing>;

interface RecipePair {
  access_token: string;
  refresh_token: string;
}

const HASHING = 'HASHING';

/**
 * The refresh of most guides. It verifies the refresh JWT, finds the session, compares the hash, signs two JWTs, and saves the new hash in
 * a transaction.
 */
@Controller('auth')
class RecipeController {
  constructor(
    private readonly jwt: JwtService,
    private readonly dataSource: DataSource,
    @Inject(HASHING) private readonly hashing: Hashing,
  ) {}

  @Post('refresh')
  @HttpCode(200)
  async refresh(@Body('refresh_token') refreshToken: string): Promise<RecipePair> {
    const { sid } = await this.jwt.verifyAsync<{ sid: string }>(refreshToken, { secret: REFRESH_SECRET });
    const session = await this.dataSource.getRepository(RecipeSession).findOneBy({ id: sid });
    if (!session || session.expiresAt < new Date()) throw new UnauthorizedException();
    if (!(await this.hashing.matches(refreshToken, session.tokenHash))) throw new UnauthorizedException();
    const pair = await signPair(this.jwt, session);
    session.tokenHash = await this.hashing.hash(pair.refresh_token);
    await this.dataSource.transaction((manager) => manager.save(session));
    return pair;
  }
}

async function signPair(jwt: JwtService, { id: sid, userId: sub }: Pick<RecipeSession, 'id' | 'userId'>): Promise<RecipePair> {
  return {
    access_token: await jwt.signAsync({ sub, sid, jti: randomUUID() }, { secret: ACCESS_SECRET, expiresIn: '15m' }),
    refresh_token: await jwt.signAsync({ sub, sid, jti: randomUUID() }, { secret: REFRESH_SECRET, expiresIn: '14d' }),
  };
}

export function recipeApp(connection: DataSourceOptions, hashing: Hashing): DynamicModule {
  @Module({})
  class App {}
  return {
    module: App,
    imports: [TypeOrmModule.forRoot({ ...connection, entities: [RecipeSession] }), JwtModule.register({})],
    providers: [{ provide: HASHING, useValue: hashing }],
    controllers: [RecipeController],
  };
}

/** Opens sessions and returns their refresh tokens. */
export async function recipeTokens(app: INestApplicationContext, hashing: Hashing, count: number): Promise<string[]> {
  const jwt = app.get(JwtService, { strict: false });
  const tokens: string[] = [];
  const rows: RecipeSession[] = [];
  for (let index = 0; index < count; index++) {
    const session = { id: randomUUID(), userId: `user-${index}`, expiresAt: new Date(Date.now() + 14 * 86_400_000) };
    const { refresh_token: token } = await signPair(jwt, session);
    rows.push({ ...session, tokenHash: await hashing.hash(token) });
    tokens.push(token);
  }
  await app.get(DataSource).getRepository(RecipeSession).save(rows, { chunk: 500 });
  return tokens;
}
