// The public API as text: one report for each entry point of package.json, which API Extractor makes from dist/.
// --write puts the reports into api/, --check shows how they differ from what is committed there, and fails if they do.
// A type that the API mentions but does not export stands in a report as a warning: it should be exported, or leave the declarations.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const scratch = mkdtempSync(join(tmpdir(), 'api-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const mode = process.argv[2];
if (mode !== '--write' && mode !== '--check') fail('usage: api.mjs --write | --check');
const reports = withoutKnown(
  Object.entries(manifest.exports).flatMap(([path, { types }]) => (types ? [extract(nameOf(path), types)] : [])),
);
if (mode === '--write') write(reports, join(root, 'api'));
else check(reports);
console.log(`api: ${reports.length} reports ${mode === '--write' ? 'written' : 'up to date'}`);

function extract(name, types) {
  const folder = join(scratch, 'extracted');
  mkdirSync(folder, { recursive: true });
  const configObject = {
    projectFolder: root,
    mainEntryPointFilePath: join(root, types),
    newlineKind: 'lf',
    compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
    apiReport: { enabled: true, reportFileName: name, reportFolder: folder, reportTempFolder: join(scratch, 'temporary') },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: 'error' } },
      // typedoc and .ci/declarations.mjs check the comments.
      tsdocMessageReporting: { default: { logLevel: 'none' } },
      extractorMessageReporting: {
        default: { logLevel: 'none' },
        'ae-forgotten-export': { logLevel: 'warning', addToApiReportFile: true },
      },
    },
  };
  const config = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const { errorCount } = Extractor.invoke(config, { localBuild: true, messageCallback: errorsOnly });
  if (errorCount > 0) fail(`${types}: API Extractor found errors`);
  return { file: `${name}.api.md`, text: readFileSync(join(folder, `${name}.api.md`), 'utf8') };
}

function errorsOnly(message) {
  message.handled = message.logLevel !== 'error';
}

/** An entry point may mention what another one exports. */
function withoutKnown(reports) {
  const known = new Set(reports.flatMap(({ text }) => [...text.matchAll(/^export (?:abstract )?\w+ (\w+)/gm)].map(([, name]) => name)));
  const isNews = (line) => line !== '' && !known.has(/The symbol "(\w+)"/.exec(line)?.[1]);
  return reports.map(({ file, text }) => ({
    file,
    text: text.replace(/((?: *\/\/ Warning: .*\n)+)( *\/\/\n)?/g, (_, warnings, separator = '') => {
      const news = warnings.split('\n').filter(isNews);
      return news.length > 0 ? `${news.join('\n')}\n${separator}` : '';
    }),
  }));
}

function write(reports, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const { file, text } of reports) writeFileSync(join(folder, file), text);
}

function check(reports) {
  write(reports, join(scratch, 'api'));
  const { status } = spawnSync('git', ['diff', '--no-index', '--', join(root, 'api'), join(scratch, 'api')], { stdio: 'inherit' });
  if (status !== 0) fail('the public API has changed: if that is intended, run `npm run api:write` and commit api/');
}

function nameOf(path) {
  return path === '.' ? manifest.name : path.replace('./', `${manifest.name}-`).replaceAll('/', '-');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
