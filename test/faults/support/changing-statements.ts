/** Statements that change data, in PostgreSQL's and MariaDB's protocols, as they travel: text in one packet. */
const CHANGES = /\b(?:UPDATE|INSERT INTO|DELETE FROM) (?:["`][\w-]+["`]\.)?["`]/;
/** Names that the package gives to prepared statements of PostgreSQL. */
const NAMES = /nestjs-token:[\w-]{20}(?::\d+)?/g;
/** First bytes of MariaDB's commands. */
const [PREPARE, EXECUTE] = [0x16, 0x17];

/** What one connection has prepared: a prepared statement travels with its text only once, and later as a name or a number. */
export class ChangingStatements {
  private readonly prepared = new Set<string | number>();
  private isPreparing = false;

  /** Whether a request runs a statement that changes data. */
  runIn(request: Buffer): boolean {
    const text = request.toString('latin1');
    const names = text.match(NAMES) ?? [];
    const changes = CHANGES.test(text);
    if (names.length > 0) {
      if (changes) for (const name of names) this.prepared.add(name);
      return names.some((name) => this.prepared.has(name));
    }
    this.isPreparing = changes && request[4] === PREPARE;
    if (request[4] === EXECUTE && request.length >= 9 && this.prepared.has(request.readUInt32LE(5))) return true;
    return changes && !this.isPreparing;
  }

  /** Takes the number of a statement of MariaDB out of the answer to its preparation. */
  learnFrom(answer: Buffer): void {
    if (this.isPreparing && answer.length >= 9 && answer[4] === 0x00) this.prepared.add(answer.readUInt32LE(5));
    this.isPreparing = false;
  }
}
