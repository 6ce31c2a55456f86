import { transformFileSync } from '@swc/core';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Finds the path, without its ending, in the output of the compiler. */
const RELATIVE_IMPORT = /(?:^import |\bfrom |\bimport\()['"](\.{1,2}\/[^'"]+)\.js['"]/gm;

/** Options for the start of a script. */
export interface ScriptOptions extends Pick<SpawnOptions, 'timeout' | 'killSignal'> {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Opens a channel for messages between the test and the process. @defaultValue false */
  channel?: boolean;
}

/** The library and a program that uses it, compiled into a directory of their own. `nestjs-token` resolves to the library there. */
export class CompiledProgram {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-token-program-')));

  /** @param sources files and folders of the repository, in addition to `lib`. Their relative imports are compiled as well. */
  constructor(...sources: readonly string[]) {
    for (const file of ['lib', ...sources].flatMap(filesOf)) this.compile(file);
    symlinkSync(join(ROOT, 'node_modules'), join(this.directory, 'node_modules'), 'dir');
    writeFileSync(join(this.directory, 'package.json'), manifest());
  }

  /** Starts the compiled script of a source file. */
  spawn(source: string, { args = [], env = {}, channel = false, ...options }: ScriptOptions = {}): ChildProcess {
    return spawn(process.execPath, [join(this.directory, scriptOf(source)), ...args], {
      ...options,
      cwd: this.directory,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(channel ? (['ipc'] as const) : [])],
      // Messages may contain values that JSON cannot express.
      serialization: 'advanced',
    });
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private compile(file: string): void {
    const target = join(this.directory, scriptOf(file));
    if (existsSync(target)) return;
    const { code } = transformFileSync(join(ROOT, file), { cwd: ROOT });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
    for (const [, path] of code.matchAll(RELATIVE_IMPORT)) this.compile(join(dirname(file), `${path}.ts`));
  }
}

/** The TypeScript files of a folder, or the one file itself, as paths in the repository. */
function filesOf(source: string): string[] {
  if (statSync(join(ROOT, source)).isFile()) return [source];
  const names = readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(source, name));
}

function scriptOf(source: string): string {
  return source.replace(/\.ts$/, '.js');
}

/**
 * Returns the `package.json` that the program sees. It has the entry points of the real one, and each leads to a compiled file of `lib`.
 */
function manifest(): string {
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8');
  const { name, type, exports } = JSON.parse(text) as { name: string; type: string; exports: Record<string, unknown> };
  const entries = JSON.stringify({ name, type, exports });
  return entries.replaceAll('"./dist/', '"./lib/');
}
