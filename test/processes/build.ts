import { transformFile } from '@swc/core';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = ['lib', join('test', 'processes', 'worker')];

/** The program that the processes run, as JavaScript. */
export interface BuiltProgram {
  /** Path of its main file. */
  readonly main: string;
  remove(): Promise<void>;
}

/** Compiles the library and the workers' program once, into a folder of its own from which the dependencies can be resolved. */
export async function buildProgram(): Promise<BuiltProgram> {
  const cache = join(ROOT, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'processes-'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const source of SOURCES) {
    const names = await readdir(join(ROOT, source), { recursive: true });
    await Promise.all(names.filter((name) => name.endsWith('.ts')).map((name) => compile(join(source, name), folder)));
  }
  return {
    main: join(folder, 'test', 'processes', 'worker', 'main.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function compile(path: string, folder: string): Promise<void> {
  const { code } = await transformFile(join(ROOT, path), {
    swcrc: false,
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    module: { type: 'es6' },
  });
  const target = join(folder, path.replace(/\.ts$/, '.js'));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}
