// Checks docs/requirements.md against the titles of the tests, and fills its last column with the files whose titles name the requirement.
// --write writes the column. --check fails when it is not what the titles say, when a title names an id that the page does not have, when
// two titles in one folder that name an id are equal, and when a requirement has neither a test nor a remark, or a
// remark refers to a requirement without a test. A second argument is the root.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const [mode = '--write', root = join(import.meta.dirname, '..')] = process.argv.slice(2);
const PAGE = join(root, 'docs/requirements.md');
const ROW = /^\| ([A-Z]+-\d\d) +\| (.+?) +\| (.*?) *\|$/;
/** `R-01`, and `CF-01/02`, which names two. */
const IDS = /\b(ALG|CF|CK|CL|CLM|COOK|CSRF|DS|ENC|ER|F|HDR|HTTP|INJ|JV|KY|LG|R|RR|RV|ST|TYPE|VC)-(\d\d(?:\/\d\d)*)\b/g;
const SUFFIX = /(\.(spec|fault|abuse))?\.ts$/;

if (mode !== '--write' && mode !== '--check') fail(['usage: requirements.mjs [--write | --check] [root]']);
const titles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort()
  .flatMap(titlesOf);
const before = readFileSync(PAGE, 'utf8');
const rows = before.split('\n').flatMap((line) => (ROW.test(line) ? [ROW.exec(line)] : []));
const known = new Set(rows.map(([, id]) => id));
const shownBy = new Map([...known].map((id) => [id, filesOf(id)]));
const problems = [
  ...rows.filter(([, id], index) => rows.findIndex((row) => row[1] === id) !== index).map(([, id]) => `${id} stands here twice`),
  ...rows.filter(([, , text]) => !/^[A-Z`].*\.$/.test(text)).map(([, id]) => `${id} is no whole sentence`),
  ...[...new Set(titles.flatMap(({ ids }) => ids))]
    .filter((id) => !known.has(id))
    .map((id) => `${id} is missing, and stands in a title of ${filesOf(id).join(', ')}`),
  ...rows
    .filter(([, id, , remark]) => shownBy.get(id).length === 0 && !isRemark(remark))
    .map(([, id]) => `${id} has no test and no remark`),
  ...rows
    .flatMap(([, id, , remark]) => referencesIn(remark).map((other) => [id, other]))
    .filter(([, other]) => !(shownBy.get(other)?.length > 0))
    .map(([id, other]) => `${id} refers to ${other}, which has no test`),
  ...titles
    .filter((one) => titles.some((other) => other !== one && dirname(other.file) === dirname(one.file) && other.title === one.title))
    .map(({ file, title }) => `not unique in its folder: ${file}: ${title}`),
];
if (problems.length > 0) fail(problems);
const after = await format(before.split('\n').map(withTests).join('\n'), { ...(await resolveConfig(PAGE)), parser: 'markdown' });
if (mode === '--write') writeFileSync(PAGE, after);
else if (before !== after) fail(['docs/requirements.md differs from the titles of the tests; run `npm run docs:requirements`']);
console.log(`requirements: ${known.size}, ${mode === '--write' ? 'written' : 'up to date'}`);

function withTests(line) {
  const [, id, text, remark] = ROW.exec(line) ?? [];
  if (id === undefined) return line;
  const files = shownBy.get(id);
  return `| ${id} | ${text} | ${files.length > 0 ? files.map((file) => `\`${file}\``).join(' ') : remark} |`;
}

/** A remark says why no test is needed. What names test files alone is an old list of them. */
function isRemark(text) {
  return text.replace(/`[^`]*`/g, '').trim() !== '';
}

/** The requirements that a remark such as `see R-07, R-08` names: their tests show this one too. */
function referencesIn(remark) {
  return /^see [A-Z]+-\d\d/.test(remark) ? remark.slice(4).split(', ') : [];
}

function filesOf(id) {
  return [...new Set(titles.filter(({ ids }) => ids.includes(id)).map(({ file }) => file.replace(SUFFIX, '')))];
}

/** The titles of a file that name ids: first arguments of `it`, `describe` and their kind, and names of cases that end in `(F-01)`. */
function titlesOf(file) {
  const source = ts.createSourceFile(file, readFileSync(join(root, 'test', file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    const title = titleOf(node) ?? caseNameOf(node);
    const ids = title === null ? [] : idsIn(title);
    if (ids.length > 0) found.push({ file: file.split('\\').join('/'), title, ids });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function titleOf(node) {
  if (!ts.isCallExpression(node) || !/^\(?(await )?(it|describe)/.test(node.expression.getText())) return null;
  const [title] = node.arguments;
  return title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)) ? title.getText().slice(1, -1) : null;
}

function caseNameOf(node) {
  const isCase =
    ts.isStringLiteralLike(node) && ts.isArrayLiteralExpression(node.parent) && /\([A-Z]+-\d\d(, [A-Z]+-\d\d)*\)$/.test(node.text);
  return isCase ? node.text : null;
}

function idsIn(title) {
  return [...title.matchAll(IDS)].flatMap(([, family, numbers]) => numbers.split('/').map((number) => `${family}-${number}`));
}

function fail(lines) {
  console.error(lines.join('\n'));
  process.exit(1);
}
