/** What a user agent contains, and what people call it. The first one that fits counts, because browsers also name their relatives. */
const PROGRAMS = { 'Edg/': 'Edge', 'OPR/': 'Opera', 'Firefox/': 'Firefox', 'Chrome/': 'Chrome', 'Safari/': 'Safari', 'curl/': 'curl' };
const SYSTEMS = { iPhone: 'iPhone', iPad: 'iPad', Android: 'Android', Windows: 'Windows', 'Mac OS X': 'macOS', Linux: 'Linux' };

/** Returns a name for the list of sessions, such as `Firefox on Windows`. It is a guess: a user agent can say anything. */
export function deviceLabel(userAgent: string): string {
  const program = nameIn(userAgent, PROGRAMS) ?? 'Unknown program';
  const system = nameIn(userAgent, SYSTEMS);
  return system === undefined ? program : `${program} on ${system}`;
}

function nameIn(userAgent: string, names: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(names).find(([part]) => userAgent.includes(part))?.[1];
}
