import { UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import { Args, Field, ID, Int, Mutation, ObjectType, Resolver } from '@nestjs/graphql';
import type { TokenPair } from 'nestjs-token';
import { ClearTokens, Public, RefreshService, RefreshToken, RefreshTokenGuard, TokenInterceptor } from 'nestjs-token';

/** What a sign-in and a refresh give: the fields of a `TokenPair`, under the names of RFC 6749. Leave out those that your clients do not need. */
@ObjectType()
class Tokens {
  @Field(() => String, { nullable: true })
  access_token?: string;

  @Field(() => String, { nullable: true })
  refresh_token?: string;

  @Field(() => Int)
  expires_in!: number;

  @Field(() => ID)
  session_id!: string;
}

/** Signs in, refreshes and signs out. The guard is global, so these mutations are public. */
@Resolver()
@Public()
@UseInterceptors(TokenInterceptor)
export class AuthResolver {
  constructor(private readonly refresh: RefreshService) {}

  /** The check of the password is yours. The quick start has one. */
  @Mutation(() => Tokens)
  login(@Args('username') username: string, @Args('password') password: string): Promise<TokenPair> {
    if (username !== 'alice' || password !== 'correct horse battery staple') throw new UnauthorizedException();
    return this.refresh.signIn(username);
  }

  @Mutation(() => Tokens)
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }

  @Mutation(() => Boolean)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async logout(@RefreshToken() token?: string): Promise<boolean> {
    await this.refresh.signOut(token);
    return true;
  }
}
