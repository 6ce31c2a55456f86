import { ConsoleLogger } from '@nestjs/common';
import { redactTokens } from 'nestjs-token';
import pino from 'pino';
import winston from 'winston';

export function pinoLogger(stream: pino.DestinationStream): pino.Logger {
  return pino({ hooks: { streamWrite: (line) => redactTokens(line) } }, stream);
}

export function winstonLogger(transports: winston.transport[]): winston.Logger {
  const redact = winston.format((info) => redactTokens(info));
  const format = winston.format.combine(winston.format.errors({ stack: true }), redact(), winston.format.json(), redact());
  return winston.createLogger({ format, transports });
}

export class RedactingLogger extends ConsoleLogger {
  protected override printMessages(...parts: unknown[]): void {
    Reflect.apply(super.printMessages, this, redactTokens(parts));
  }

  protected override printStackTrace(stack: string): void {
    super.printStackTrace(redactTokens(stack));
  }
}
