/** A check of the demo failed. The message says which one. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

let step = 0;

/** Prints the number and the title of the next step. */
export function heading(title: string): void {
  step += 1;
  console.log(`\n${step}. ${title}`);
}

/** Prints what happens. */
export function say(text: string): void {
  console.log(`     ${text}`);
}

/** Prints a statement that must be true. @throws {StepFailed} if it is not, which ends the demo. */
export function check(holds: boolean, text: string): void {
  console.log(`   ${holds ? '✓' : '✗'} ${text}`);
  if (!holds) throw new StepFailed(text);
}

/** Returns the last characters of a token, for the output. Never the whole token. */
export function short(token: string | undefined): string {
  return token === undefined ? '(none)' : `…${token.slice(-6)}`;
}
