// Loads modules of lib/ that hold data, without a build: transpiles a module and what it imports into a folder of its own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const lib = join(root, 'lib');

/** The exports of modules below lib, given without their ending: `options/module.schema`. */
export async function load(...modules) {
  mkdirSync(join(root, 'node_modules', '.cache'), { recursive: true });
  // Below node_modules, so that packages are found from there.
  const folder = mkdtempSync(join(root, 'node_modules', '.cache', 'nestjs-token-schema-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const done = new Set();
    for (const name of modules) transpile(join(lib, `${name}.ts`), folder, done);
    return await Promise.all(modules.map((name) => import(pathToFileURL(join(folder, `${name}.js`)).href)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function transpile(file, folder, done) {
  if (done.has(file)) return;
  done.add(file);
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, experimentalDecorators: true };
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions, fileName: file });
  const target = join(folder, relative(lib, file).replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, outputText);
  for (const { fileName } of ts.preProcessFile(outputText).importedFiles) {
    if (fileName.startsWith('.')) transpile(join(dirname(file), fileName.replace(/\.js$/, '.ts')), folder, done);
  }
}
