import { withoutControlCharacters } from '../text.js';
import type { SessionDevice } from './token-session.js';

const LONGEST_DEVICE_TEXT = 255;

/** Cleans text that an attacker may control. The result is one line, bounded and well-formed. */
export function cleanDevice(device: SessionDevice): SessionDevice {
  const { label, ip, userAgent } = device;
  const given = Object.entries({ label, ip, userAgent }).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(given.map(([name, text]) => [name, cleanText(text)]));
}

/** Cleans one text of the device. */
export function cleanText(text: string): string {
  return withoutControlCharacters(text).slice(0, LONGEST_DEVICE_TEXT).toWellFormed();
}
