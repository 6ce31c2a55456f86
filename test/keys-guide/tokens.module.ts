import { Global, Module } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';
import { KeyReload } from './key-reload.js';
import { VaultService } from './vault.service.js';

@Global()
@Module({ providers: [VaultService], exports: [VaultService] })
export class VaultModule {}

@Module({
  imports: [
    VaultModule,
    TokenModule.forRootAsync({
      inject: [VaultService],
      useFactory: (vault: VaultService) => ({
        issuer: 'https://auth.example.com',
        keys: () => vault.tokenKeys(),
        refresh: { secret: process.env.REFRESH_SECRET },
      }),
      endpoints: { jwks: true },
    }),
  ],
  providers: [KeyReload],
})
export class TokensModule {}
