import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

export interface Report {
  command: string;
  /** Versions of programs that are no dependencies, such as the database. */
  versions?: string[];
  note: string;
  head: string[];
  rows: string[][];
}

/** Prints a table, and saves it in `bench/results/<name>.md` with the command and the versions of this run. */
export function report(name: string, { command, versions: others = [], note, head, rows }: Report): void {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
  const dependencies = ['@nestjs/core', 'express', 'fastify', 'typeorm', 'jsonwebtoken'];
  const versions = [...dependencies.map((dependency) => `${dependency} ${versionOf(dependency)}`), ...others];
  const text = `# ${name}\n\n\`${command}\` — ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${versions.join(', ')}\n\n${table}\n\n${note}\n`;
  mkdirSync('bench/results', { recursive: true });
  writeFileSync(`bench/results/${name}.md`, text);
  process.stdout.write(`${text}\n`);
}

function versionOf(dependency: string): string {
  return (JSON.parse(readFileSync(`node_modules/${dependency}/package.json`, 'utf8')) as { version: string }).version;
}
