import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

export function setUpDocument(app: INestApplication): void {
  const config = new DocumentBuilder().addBearerAuth().addBasicAuth().build();
  SwaggerModule.setup('api', app, () => SwaggerModule.createDocument(app, config));
}
