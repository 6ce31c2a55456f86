import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { DataSource } from 'typeorm';

@Controller('health')
export class HealthController {
  constructor(private readonly dataSource: DataSource) {}

  @Get()
  async check(): Promise<{ status: string }> {
    try {
      await this.dataSource.getRepository(TokenSessionEntity).existsBy({ id: '' });
    } catch (cause) {
      throw new ServiceUnavailableException('the database is away', { cause });
    }
    return { status: 'ok' };
  }
}
