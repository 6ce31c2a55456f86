import { b64, decoded } from '../support/forge.js';
import type { Tampering } from './history-steps.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const SUFFIXES = ['=', '\n', ' ', '.', '\0', 'A'];

/** Changes a token. `other` is another token, of which some changes take a part. */
export function tampered(token: string, other: string, { how, at }: { readonly how: Tampering; readonly at: number }): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  switch (how) {
    case 'character':
      return replaced(token, at % token.length, at);
    case 'last character':
      return replaced(token, token.length - 1, at);
    case 'suffix':
      return token + SUFFIXES[at % SUFFIXES.length]!;
    case 'truncate':
      return token.slice(0, at % token.length);
    case 'graft':
      return [header, payload, signature].map((segment, index) => (index === at % 3 ? (other.split('.')[index] ?? '') : segment)).join('.');
    case 'repeat':
      return `${token}.${signature}`;
    case 'type':
      return `${withMember(header, 'typ', 'JWT')}.${payload}.${signature}`;
    case 'claims':
      return `${header}.${withMember(payload, 'sub', 'mallory')}.${signature}`;
  }
}

function replaced(token: string, index: number, at: number): string {
  return token.slice(0, index) + ALPHABET[at % ALPHABET.length]! + token.slice(index + 1);
}

/** The segment with another value of a member, or as it is if it is no JSON any more. */
function withMember(segment: string, name: string, value: string): string {
  try {
    return b64({ ...decoded(segment, 0), [name]: value });
  } catch {
    return segment;
  }
}
