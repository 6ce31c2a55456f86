// The reference of the options: joins the schemas in lib/options (kind, range, default) with the doc comments of the interfaces, which say
// what an option is for. A doc comment repeats range and default, because editors show it. Here they are held to the schema.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { load } from './schema.mjs';

const root = join(import.meta.dirname, '..');
const RANGE = /From [\d.,]+( \w+)? to [\d.,]*\d( \w+)?(, in whole seconds)?\./;
const UNITS = { ms: 'ms', s: 's', m: 'min', h: 'h', d: 'day' };
const HEAD = ['option', 'type', 'range', 'default', 'meaning'];

/** The tables `options` and `extras`, and every doc comment that differs from the schema. With `repair`, these comments are rewritten first. */
export async function optionTables({ repair }) {
  const [{ MODULE }, { EXTRAS }, { MIN_SECRET_BYTES }] = await load('options/module.schema', 'options/extras.schema', 'keys/key-material');
  const documented = () => {
    const { typeOf, checker } = typesOf('lib/options/token.options.ts', 'lib/options/extras.options.ts');
    const describe = (schema, name) => optionsIn({ schema, type: typeOf(name), prefix: '', checker, minBytes: MIN_SECRET_BYTES });
    return { options: describe(MODULE, 'TokenModuleOptions'), extras: describe(EXTRAS, 'TokenModuleExtras') };
  };
  let found = documented();
  if (repair) {
    Object.values(found).flat().forEach(repairComment);
    found = documented();
  }
  const mistakes = Object.values(found).flat().flatMap(mistakesOf);
  return {
    mistakes,
    tables: Object.fromEntries(Object.entries(found).map(([name, options]) => [name, { head: HEAD, rows: options.map(rowOf) }])),
  };
}

function typesOf(...files) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    files.map((file) => join(root, file)),
    options,
  );
  const checker = program.getTypeChecker();
  const declared = files.flatMap((file) => program.getSourceFile(join(root, file)).statements.filter(ts.isInterfaceDeclaration));
  const typeOf = (name) => checker.getTypeAtLocation(declared.find((node) => node.name.text === name));
  return { typeOf, checker };
}

function optionsIn({ schema, type, prefix, checker, minBytes }) {
  return Object.entries(schema).flatMap(([key, described]) => {
    const property = type.getProperty(key);
    const node = property.valueDeclaration;
    const inner = members(checker.getTypeOfSymbol(property)).find(
      (member) => member.flags & ts.TypeFlags.Object && member.getCallSignatures().length === 0,
    );
    const inside = (options, group, suffix) =>
      optionsIn({ schema: options, type: group, prefix: `${prefix}${key}${suffix}.`, checker, minBytes });
    const option = {
      path: `${prefix}${key}`,
      described,
      node,
      comment: commentOf(node),
      type: typeText(described, node, checker),
      minBytes,
    };
    if (described.kind === 'list') return [option, ...inside(described.of, checker.getTypeArguments(inner)[0], '[]')];
    if (described.kind !== 'group') return [option];
    return [...(described.canBeFalse || described.canBeFunction ? [option] : []), ...inside(described.options, inner, '')];
  });
}

function members(type) {
  return type.isUnion() ? type.types : [type];
}

/** The type as it is declared. A group shows no keys, because each has a row, and the alias of a function shows the function. */
function typeText({ kind, canBeFunction, canBeTrue }, node, checker) {
  if (kind === 'group' && canBeFunction) return node.type.getText().replace(/ \| \w+$/, ' | { … }');
  if (kind === 'group') return canBeTrue ? '{ … } | boolean' : '{ … } | false';
  const text = node.type.getText().replace(/ \| undefined$/, '');
  const alias = ts.isTypeReferenceNode(node.type) && checker.getSymbolAtLocation(node.type.typeName);
  const target = alias && alias.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(alias) : alias;
  const declaration = target?.declarations?.find(ts.isTypeAliasDeclaration);
  return declaration && ts.isFunctionTypeNode(declaration.type) ? declaration.type.getText() : text;
}

function commentOf(node) {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  if (!doc) throw new Error(`no doc comment: ${node.name.getText()}`);
  const lines = doc
    .getText()
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''));
  const [text, fallback = ''] = lines
    .join(' ')
    .split('@defaultValue')
    .map((part) => part.replace(/\s+/g, ' ').trim());
  return { text: text.replace(/\{@link (\w+)\}/g, '`$1`'), fallback };
}

/** The sentence about the range, as the doc comment has to say it. */
function rangeOf({ kind, min, max }, minBytes) {
  if (kind === 'secret') return `At least ${minBytes} bytes.`;
  if (kind === 'identifier') return '1 to 64 of `A–Z a–z 0–9 . _ -`.';
  if (kind === 'header name') return 'Letters, digits and hyphens.';
  if (min === undefined) return '';
  const written = kind === 'number' || kind === 'integer' ? grouped : spanText;
  return `From ${written(min)} to ${written(max)}${kind === 'whole seconds' ? ', in whole seconds' : ''}.`;
}

function spanText(span) {
  const [, amount, unit] = /^(\d+)(\w+)$/.exec(typeof span === 'number' ? `${span}s` : span);
  return `${grouped(Number(amount))} ${UNITS[unit]}${unit === 'd' && amount !== '1' ? 's' : ''}`;
}

function grouped(number) {
  return number.toLocaleString('en-US');
}

/** The text of `@defaultValue`, as the doc comment has to say it. */
function defaultOf({ default: value, defaultNote }) {
  return [value === undefined ? '' : literal(value), defaultNote ?? ''].filter((part) => part !== '').join(', ');
}

function literal(value) {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number') return grouped(value).replaceAll(',', '_');
  if (typeof value !== 'object') return String(value);
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${literal(one)}`)
    .join(', ')} }`;
}

function mistakesOf({ path, described, comment, node, minBytes }) {
  const [range, fallback] = [rangeOf(described, minBytes), defaultOf(described)];
  const said = RANGE.exec(comment.text)?.[0] ?? '';
  const place = `${relative(root, node.getSourceFile().fileName)}: the comment of ${path}`;
  return [
    ...(comment.text.includes(range) && (said === '' || said === range) ? [] : [`${place} must say "${range}"`]),
    ...(comment.fallback === fallback ? [] : [`${place} must end with "@defaultValue ${fallback}"`]),
  ];
}

function repairComment({ described, node, minBytes }) {
  const file = node.getSourceFile().fileName;
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const before = doc.getText();
  const after = before
    .replace(RANGE, rangeOf(described, minBytes))
    .replace(/@defaultValue [^]*?(\s*\*\/|\n)/, (_, end) => `@defaultValue ${defaultOf(described)}${end}`);
  if (after !== before)
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(before, () => after),
    );
}

function rowOf({ path, type, described, comment, node, minBytes }) {
  const range = rangeOf(described, minBytes);
  const meaning = comment.text.replace(range, '').replace(/\s+/g, ' ').trim();
  const value = described.default === undefined ? [] : [`\`${literal(described.default)}\``];
  const fallback = node.questionToken ? [...value, described.defaultNote ?? []].flat().join(', ') : 'required';
  const shortRange = range.replace(/^From |\.$/g, '').replace(/^[A-Z]/, (first) => first.toLowerCase());
  return [`\`${path}\``, `\`${type}\``, shortRange, fallback, meaning];
}
