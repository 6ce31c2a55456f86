import { Injectable } from '@nestjs/common';
import { AccessTokenService } from 'nestjs-token';

@Injectable()
export class DownloadsService {
  constructor(private readonly accessTokens: AccessTokenService) {}

  async addressOf(subject: string) {
    const token = await this.accessTokens.sign(subject, { claims: { scope: 'download' }, lifetime: '1m' });
    return `/reports/latest?access_token=${token}`;
  }
}
