// Generates the tables of docs/reference/ from the sources, between `<!-- table: NAME -->` and `<!-- /table -->`: `options` and `extras` from
// the schemas in lib/options and the doc comments of the interfaces, `errors` from
// lib/protocol/token-errors.ts and the comments of lib/errors/token.errors.ts.
// --write puts them there, and puts range and default into the doc comments. --check fails when one of them is not what the sources say.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';
import { optionTables } from './option-tables.mjs';

const root = join(import.meta.dirname, '..');

const mode = process.argv[2];
if (mode !== '--write' && mode !== '--check') fail('usage: tables.mjs --write | --check');
const { tables, mistakes } = await optionTables({ repair: mode === '--write' });
if (mistakes.length > 0) fail(mistakes.join('\n'));
const PAGES = { options: { options: tables.options, extras: tables.extras }, errors: { errors: errorsTable() } };
for (const [name, content] of Object.entries(PAGES)) {
  const page = `docs/reference/${name}.md`;
  const before = readFileSync(join(root, page), 'utf8');
  const after = await withTables(before, { content, page });
  if (mode === '--write') writeFileSync(join(root, page), after);
  else if (before !== after) fail(`${page}: a table differs from the source; run \`npm run docs:tables\``);
}
console.log(`tables: ${Object.values(PAGES).flatMap(Object.keys).join(', ')} ${mode === '--write' ? 'written' : 'up to date'}`);

async function withTables(text, { content, page }) {
  let result = text;
  for (const [name, table] of Object.entries(content)) {
    const place = new RegExp(`(<!-- table: ${name} -->)[^]*?(<!-- /table -->)`);
    if (!place.test(text)) fail(`${page}: no place for the table "${name}"`);
    result = result.replace(place, (_, open, close) => `${open}\n\n${markdownTable(table)}\n\n${close}`);
  }
  return format(result, { ...(await resolveConfig(join(root, page))), filepath: page });
}

function errorsTable() {
  const source = parse('lib/errors/token.errors.ts');
  const classes = new Map(source.statements.filter(ts.isClassDeclaration).map((node) => [errorCode(node), node]));
  const rows = errorEntries(parse('lib/protocol/token-errors.ts')).map(({ code: name, status, wireError, terminal }) => {
    const node = classes.get(name);
    if (!node) fail(`lib/errors/token.errors.ts: no class for ${name}`);
    return [`\`${name}\``, status, wireError === 'null' ? '' : `\`${wireError}\``, terminal === 'true' ? 'yes' : '', summary(node)];
  });
  return { head: ['`errorCode`', 'status', '`error` of the challenge', 'sign in again', 'meaning'], rows };

  function errorCode(node) {
    return /super\('(\w+)'/.exec(node.getText(source))?.[1];
  }
}

function errorEntries(source) {
  const declarations = source.statements.filter(ts.isVariableStatement).flatMap((node) => [...node.declarationList.declarations]);
  let table = declarations.find((node) => node.name.getText(source) === 'TOKEN_ERRORS')?.initializer;
  while (table && !ts.isObjectLiteralExpression(table)) table = table.expression;
  if (!table) fail('lib/protocol/token-errors.ts: no TOKEN_ERRORS');
  return table.properties.map((row) => ({
    code: row.name.getText(source),
    ...Object.fromEntries(row.initializer.properties.map((cell) => [cell.name.getText(source), literal(cell.initializer, source)])),
  }));
}

function literal(node, source) {
  return ts.isStringLiteral(node) ? node.text : node.getText(source);
}

function parse(path) {
  const file = join(root, path);
  if (!existsSync(file)) fail(`${path} does not exist`);
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

function summary(node) {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return plain(ts.getTextOfJSDocComment(doc?.comment) ?? fail(`no doc comment: ${node.name.getText()}`));
}

function plain(text) {
  return text
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .trim();
}

function markdownTable({ head, rows }) {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
