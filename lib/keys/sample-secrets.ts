import { decodings, plainTextOf } from './encodings.js';

/** Words that sample secrets consist of. */
const WORDS =
  `a abc access admin an and api app asdf at auth authentication bar baz be bit bits bytes cat change changed characters chars client complex could create
default demo dev development do dummy enter every example express fallback foo for generate generated hash hello here hmac hs i in insecure is it json jwt key
keyboard keys least length local localhost long me min minimum must my nest nestjs node not of or own pass passphrase password passwords please private prod
production put qwerty random really refresh replace replaced safe sample secret secrets secure server session set sha shh shhh shhhh shhhhh shhhhhh sign signature signing site
some something string strong super temp temporary test testing that the this to modified token tokens top true ultra use used user valid value very web which with
word world xxx you your`.split(/\s+/);
const PUNCTUATION = /[ -@[-`{-~]/;
const LETTER_BEYOND_HEX = /[g-z]/;

/** Secrets from documentation, specifications and tutorials that do not consist of such words. */
const SAMPLES = [
  // Nest, and a tutorial of ASP.NET
  'DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET',
  'THIS IS USED TO SIGN AND VERIFY JWT TOKENS',
  'this is my custom Secret key for auth',
  // RFC 7515 §A.1, RFC 7517 §A.3, RFC 7520 §3.5
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  'GawgguFyGrWKav7AX4VKUg',
  'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
  // FastAPI, Hasura, Directus, Django
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  '3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3Tw',
  '255d861b-5ea1-5996-9aa3-922530ec40b1',
  '6116487b-cda1-52c2-b5b5-c8022c45e263',
  'django-insecure',
  // Tutorials of Spring and jjwt
  '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970',
  '5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437',
  '3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b',
  '9a4f2c8d3b7a1e6f45c8a0b3f267d8b1d4e6f3c8a9d2b5f8e3a9c8b5f6v8a3d9',
  'bezKoderSecretKey',
].map(lettersAndDigits);

/** Whether a secret contains one of the samples in any encoding, or consists of the words of samples only. */
export function isSampleSecret(bytes: Buffer): boolean {
  return decodings(bytes).some((candidate) => {
    const text = plainTextOf(candidate).toLowerCase();
    const spellings = [text, candidate.toString('base64'), candidate.toString('hex')].map(lettersAndDigits);
    return isMadeOfWords(text) || spellings.some((spelling) => SAMPLES.some((sample) => spelling.includes(sample)));
  });
}

/**
 * Whether a text consists of {@link WORDS} only, with or without punctuation between them. Text with hexadecimal digits only does not
 * count. The function reads the text once. A regular expression would try every way to cut it into words.
 */
function isMadeOfWords(text: string): boolean {
  if (!LETTER_BEYOND_HEX.test(text)) return false;
  const ends = new Set([0]);
  for (let at = 0; at < text.length; at++) {
    if (!ends.has(at)) continue;
    if (PUNCTUATION.test(text.charAt(at))) ends.add(at + 1);
    for (const word of WORDS) if (text.startsWith(word, at)) ends.add(at + word.length);
  }
  return ends.has(text.length);
}

function lettersAndDigits(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}
