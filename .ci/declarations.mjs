// Checks the emitted declarations: every public export has a doc comment, and no file needs types that users may not have.
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.values(manifest.exports).flatMap((target) => (target.types ? [join(root, target.types)] : []));

// Dependencies that ship no types of their own: what they declare comes from @types packages, which users do not get from us.
const UNTYPED = ['jsonwebtoken', 'passport', 'passport-jwt'];
const TYPED = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((name) => !UNTYPED.includes(name));

const problems = [...undocumented(), ...leaks()];
for (const problem of problems) console.error(problem);
console.log(`declarations: ${entries.length} entry points, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

function undocumented() {
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: ['node'], noEmit: true };
  const program = ts.createProgram(entries, options);
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const file = program.getSourceFile(entry);
    const module = file && checker.getSymbolAtLocation(file);
    if (!module) return [`${relative(root, entry)}: missing, or not a module`];
    return checker
      .getExportsOfModule(module)
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
      .filter((symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() === '')
      .map((symbol) => `${relative(root, entry)}: export ${symbol.getName()} has no doc comment`);
  });
}

function leaks() {
  const dist = join(root, 'dist');
  const files = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.d.ts'));
  return files.flatMap((name) => {
    const { importedFiles, typeReferenceDirectives } = ts.preProcessFile(readFileSync(join(dist, name), 'utf8'), true, true);
    return [...importedFiles, ...typeReferenceDirectives]
      .map(({ fileName }) => fileName)
      .filter(
        (specifier) => !specifier.startsWith('.') && specifier !== 'node' && !isBuiltin(specifier) && !TYPED.includes(packageOf(specifier)),
      )
      .map((specifier) => `dist/${name}: needs the types of ${specifier}`);
  });
}

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
