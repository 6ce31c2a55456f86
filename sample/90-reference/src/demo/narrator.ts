/** What a step claimed and did not hold. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

let step = 0;

/** Begins a step. */
export function heading(title: string): void {
  step += 1;
  console.log(`\n${step}. ${title}`);
}

/** Says what happens next. */
export function say(text: string): void {
  console.log(`     ${text}`);
}

/** Says what must hold, and ends the demo when it does not. */
export function check(holds: boolean, text: string): void {
  console.log(`   ${holds ? '✓' : '✗'} ${text}`);
  if (!holds) throw new StepFailed(text);
}

/** A token for the eye: its last characters, never all of it. */
export function short(token: string | undefined): string {
  return token === undefined ? '(none)' : `…${token.slice(-6)}`;
}
