// Generates the tables of docs/reference/ from the sources, between `<!-- table: NAME -->` and `<!-- /table -->`:
// `options` from the interfaces in lib/**/*.options.ts, `errors` from lib/protocol/token-errors.ts and the comments of lib/errors/token.errors.ts.
// --write puts them there, --check fails when they are not what the sources say.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const TABLES = { options: optionsTable, errors: errorsTable };

const mode = process.argv[2];
if (mode !== '--write' && mode !== '--check') fail('usage: tables.mjs --write | --check');
for (const [name, table] of Object.entries(TABLES)) {
  const page = `docs/reference/${name}.md`;
  const before = readFileSync(join(root, page), 'utf8');
  const after = await withTable(before, { name, table, page });
  if (mode === '--write') writeFileSync(join(root, page), after);
  else if (before !== after) fail(`${page}: the table differs from the source; run \`npm run docs:tables\``);
}
console.log(`tables: ${Object.keys(TABLES).join(', ')} ${mode === '--write' ? 'written' : 'up to date'}`);

async function withTable(text, { name, table, page }) {
  const place = new RegExp(`(<!-- table: ${name} -->)[^]*?(<!-- /table -->)`);
  if (!place.test(text)) fail(`${page}: no place for the table "${name}"`);
  const content = table();
  const result = text.replace(place, (_, open, close) => `${open}\n\n${content}\n\n${close}`);
  return format(result, { ...(await resolveConfig(join(root, page))), filepath: page });
}

function optionsTable() {
  const files = ts.sys.readDirectory(join(root, 'lib'), ['.options.ts']).map((file) => relative(root, file));
  const nodes = files.flatMap((file) => [...parse(file).statements]);
  const interfaces = new Map(nodes.filter(ts.isInterfaceDeclaration).map((node) => [node.name.text, node]));
  const rows = optionRows('TokenModuleOptions', '');
  return markdownTable(['option', 'type', 'default', 'meaning'], rows);

  function optionRows(name, prefix) {
    return interfaces
      .get(name)
      .members.filter(ts.isPropertySignature)
      .flatMap((member) => optionRow(member, prefix));
  }

  function optionRow(member, prefix) {
    const path = `${prefix}${member.name.getText()}`;
    const type = member.type.getText();
    const nested = /^(\w+)(\[\])?$/.exec(type);
    if (nested && interfaces.has(nested[1])) return optionRows(nested[1], `${path}${nested[2] ?? ''}.`);
    const fallback = member.questionToken ? code(tag(member, 'defaultValue')) : 'required';
    return [[`\`${path}\``, `\`${type.replace(/ \| undefined$/, '')}\``, fallback, summary(member)]];
  }
}

function errorsTable() {
  const source = parse('lib/errors/token.errors.ts');
  const classes = new Map(source.statements.filter(ts.isClassDeclaration).map((node) => [errorCode(node), node]));
  const rows = errorEntries(parse('lib/protocol/token-errors.ts')).map(({ code: name, status, wireError, terminal }) => {
    const node = classes.get(name);
    if (!node) fail(`lib/errors/token.errors.ts: no class for ${name}`);
    return [`\`${name}\``, status, wireError === 'null' ? '' : `\`${wireError}\``, terminal === 'true' ? 'yes' : '', summary(node)];
  });
  return markdownTable(['`errorCode`', 'status', '`error` of the challenge', 'sign in again', 'meaning'], rows);

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

function tag(node, name) {
  const found = ts.getJSDocTags(node).find((candidate) => candidate.tagName.text === name);
  // A value that starts with a brace is taken for the tag's type: read the text itself.
  return found
    ? plain(
        found
          .getText()
          .replace(`@${name}`, '')
          .replace(/\*+\/?$/, ''),
      )
    : '';
}

function plain(text) {
  return text
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .trim();
}

/** A default is a value, shown as code, unless it is a phrase or has code in it already. */
function code(text) {
  return text === '' || text.includes('`') || /^[a-z\d]+ \w+/.test(text) || text.startsWith("'30s',") ? text : `\`${text}\``;
}

function markdownTable(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
