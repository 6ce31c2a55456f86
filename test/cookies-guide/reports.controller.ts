import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { CurrentUser, JwtAuthGuard, TokenLocations } from 'nestjs-token';

@Controller('reports')
@UseGuards(JwtAuthGuard)
export class ReportsController {
  @Get(':id')
  @TokenLocations('cookie', { query: 'access_token' })
  download(@Param('id') id: string, @CurrentUser('sub') subject: string) {
    return { id, subject };
  }
}
