// Makes a release: `npm run release -- 0.2.0`, with `--dry-run` to see what it would do. It changes nothing before all checks have passed.
// What it leaves is one commit and one tag. Pushing them is up to you; the workflow `release` publishes what the tag names.
// `release.mjs --notes 0.2.0` prints what the changelog says about a version.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const changelogFile = join(root, 'CHANGELOG.md');
const changelog = readFileSync(changelogFile, 'utf8');
const UNRELEASED = /^## \[[^\]]+\](?: - Unreleased)?$/m;

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const [version] = words;
if (
  words.length !== 1 ||
  !/^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/.test(version) ||
  flags.some((flag) => !['--dry-run', '--notes'].includes(flag))
) {
  fail('usage: npm run release -- VERSION [--dry-run], where VERSION is 1.2.3 or 1.2.3-rc.1');
}
if (flags.includes('--notes')) console.log(notesOf(changelog));
else release(flags.includes('--dry-run'));

function release(isDryRun) {
  checkTree();
  checkVersion();
  const released = datedChangelog();
  const notes = notesOf(released);
  if (isDryRun) {
    console.log(
      `Would run .ci/run, set the version to ${version}, date the changelog, commit and tag v${version} with these notes:\n\n${notes}`,
    );
    return;
  }
  if (spawnSync(join(root, '.ci/run'), { stdio: 'inherit' }).status !== 0) fail('.ci/run has failed: nothing was changed');
  checkTree();
  writeFileSync(changelogFile, released);
  npm('version', version, '--no-git-tag-version', '--allow-same-version');
  git('commit', '--quiet', '-m', `chore(release): ${version}`, '--', 'CHANGELOG.md', 'package.json', 'package-lock.json');
  git('tag', '--annotate', `v${version}`, '--cleanup=verbatim', '-m', `${version}\n\n${notes}`);
  console.log(`Committed and tagged v${version}. To publish it: git push --atomic origin main v${version}`);
}

function checkTree() {
  if (git('branch', '--show-current') !== 'main') fail('a release is made on main');
  if (git('status', '--porcelain') !== '') fail('the working tree is not clean');
  git('fetch', '--quiet', '--tags', 'origin', 'main');
  if (git('rev-list', '--count', 'HEAD..FETCH_HEAD') !== '0') fail('origin has commits on main that are not here: pull first');
}

function checkVersion() {
  if (git('tag', '--list', `v${version}`) !== '') fail(`v${version} has been released`);
  const { version: current } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (numbersOf(version) < numbersOf(current)) fail(`${version} is older than ${current}, which package.json has`);
}

/** Comparable as text. */
function numbersOf(text) {
  return text
    .split('-')[0]
    .split('.')
    .map((number) => number.padStart(6, '0'))
    .join('.');
}

/** The topmost section becomes the release, and an empty one for what comes next stands above it. */
function datedChangelog() {
  const [heading] = UNRELEASED.exec(/^## .*$/m.exec(changelog)?.[0] ?? '') ?? [];
  if (!heading) fail('CHANGELOG.md: the topmost section is not an unreleased one');
  const date = new Date().toISOString().slice(0, 10);
  return changelog.replace(heading, `## [Unreleased]\n\n## [${version}] - ${date}`);
}

function notesOf(text) {
  const sections = text.split(/^(?=## \[)/m);
  const section = sections.find((one) => one.startsWith(`## [${version}]`));
  const notes = section?.split('\n').slice(1).join('\n').trim();
  if (!notes) fail(`CHANGELOG.md says nothing about ${version}`);
  return notes;
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}

function npm(...args) {
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
