import type { TokenEvent } from 'nestjs-token';
import { TokenModule } from 'nestjs-token';

/** What the application has been told. */
export const alerts: string[] = [];

async function alert(subject: string, text: string): Promise<void> {
  alerts.push(`${subject}: ${text}`);
}

export const tokens = TokenModule.forRoot({
  issuer: 'https://api.example.com',
  secret: process.env['TOKEN_SECRET'],
  onEvent: (event) => notify(event),
});

async function notify(event: TokenEvent): Promise<void> {
  switch (event.type) {
    case 'reuse':
      return alert(event.subject, 'Somebody may have copied your tokens. We have signed you out on that device.');
    case 'all-revoked':
      return alert(event.subject, `You have been signed out on ${event.sessionIds.length} devices.`);
    default:
  }
}
