import jwt from 'jsonwebtoken';
import { ISSUER } from './app.js';

/** Access tokens that nobody but a forger could have made of a good one: another signature, another key, no signature, another subject. */
export function forgedTokens(token: string): string[] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const other = Buffer.from(JSON.stringify({ ...claims, sub: 'mallory' })).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
  return [
    `${header}.${payload}.${Buffer.alloc(32).toString('base64url')}`,
    `${header}.${other}.${signature}`,
    `${none}.${payload}.`,
    jwt.sign(claims, 'another-key-of-more-than-32-bytes-3f8a', { algorithm: 'HS256', header: { alg: 'HS256', typ: 'at+jwt' } }),
    jwt.sign({ iss: ISSUER, sub: 'alice' }, 'another-key-of-more-than-32-bytes-3f8a'),
  ];
}
