import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, '../.ci/release.mjs');
const CHANGELOG = '# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A bug.\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- All of it.\n';

/** A clone of a project that consists of what the release script reads, with a `.ci/run` that ends at once. */
class Clone {
  private readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-token-release-'));
  private readonly tree = join(this.folder, 'tree');

  static first(): Clone {
    const clone = new Clone();
    clone.prepare();
    return clone;
  }

  copy(): Clone {
    const clone = new Clone();
    cpSync(this.folder, clone.folder, { recursive: true });
    return clone;
  }

  private prepare(): void {
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', join(this.folder, 'origin.git')]);
    mkdirSync(join(this.tree, '.ci'), { recursive: true });
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('remote', 'add', 'origin', '../origin.git');
    this.git('config', 'user.name', 'tester');
    this.git('config', 'user.email', 'tester@example.test');
    cpSync(SCRIPT, join(this.tree, '.ci/release.mjs'));
    this.write('package.json', JSON.stringify({ name: 'project', version: '0.1.0' }));
    this.write('package-lock.json', JSON.stringify({ name: 'project', version: '0.1.0', lockfileVersion: 3, packages: {} }));
    this.write('CHANGELOG.md', CHANGELOG);
    this.checks('exit 0');
    this.git('push', '--quiet', 'origin', 'main');
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.tree, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.tree, file), 'utf8');
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.tree, encoding: 'utf8' }).trim();
  }

  /** Commits what `.ci/run` does. */
  checks(command: string): void {
    this.write('.ci/run', `#!/bin/sh\n${command}\n`);
    chmodSync(join(this.tree, '.ci/run'), 0o755);
    this.commit();
  }

  commit(): void {
    this.git('add', '--all');
    this.git('commit', '--quiet', '-m', 'work');
  }

  release(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, [join(this.tree, '.ci/release.mjs'), ...args], { cwd: this.tree, encoding: 'utf8' });
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('npm run release', () => {
  // Each test starts a dozen processes.
  jest.setTimeout(60_000);
  let first: Clone;
  let clone: Clone;
  beforeAll(() => {
    first = Clone.first();
  });
  beforeEach(() => {
    clone = first.copy();
  });
  afterEach(() => clone.dispose());
  afterAll(() => first.dispose());

  it('leaves one commit and one tag, with the version and the date in their places', () => {
    const before = clone.git('rev-parse', 'HEAD');
    expect(clone.release('0.2.0')).toMatchObject({ status: 0, stderr: '' });
    expect(clone.git('status', '--porcelain')).toBe('');
    expect(clone.git('log', '--format=%s', `${before}..HEAD`)).toBe('chore(release): 0.2.0');
    expect(clone.git('rev-parse', 'v0.2.0^{commit}')).toBe(clone.git('rev-parse', 'HEAD'));
    expect(clone.git('tag', '--list', '--format=%(contents)', 'v0.2.0')).toBe('0.2.0\n\n### Fixed\n\n- A bug.');
    expect(clone.read('CHANGELOG.md')).toMatch(/## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n### Fixed\n\n- A bug\.\n/);
    expect(JSON.parse(clone.read('package.json'))).toMatchObject({ version: '0.2.0' });
    expect(JSON.parse(clone.read('package-lock.json'))).toMatchObject({ version: '0.2.0' });
  });

  it('releases a version that has been written down before it was published', () => {
    clone.write('CHANGELOG.md', '# Changelog\n\n## [0.1.0] - Unreleased\n\n- All of it.\n');
    clone.commit();
    expect(clone.release('0.1.0')).toMatchObject({ status: 0, stderr: '' });
    expect(clone.read('CHANGELOG.md')).toMatch(/^# Changelog\n\n## \[Unreleased\]\n\n## \[0\.1\.0\] - 2\d{3}-\d\d-\d\d\n/);
  });

  it('changes nothing in a dry run, and shows the notes', () => {
    clone.checks('exit 1');
    const before = clone.git('rev-parse', 'HEAD');
    const { status, stdout } = clone.release('0.2.0', '--dry-run');
    expect({ status, shown: stdout.includes('- A bug.') }).toEqual({ status: 0, shown: true });
    expect([clone.git('rev-parse', 'HEAD'), clone.git('status', '--porcelain'), clone.git('tag')]).toEqual([before, '', '']);
  });

  it('prints the notes of a version that has been released', () => {
    expect(clone.release('--notes', '0.1.0').stdout).toBe('### Added\n\n- All of it.\n');
  });

  it.each<[string, (clone: Clone) => void, string, string]>([
    ['whose checks fail', (one) => one.checks('exit 1'), '0.2.0', '.ci/run has failed'],
    ['of a tree with changes', (one) => one.write('CHANGELOG.md', `${CHANGELOG}\n`), '0.2.0', 'not clean'],
    ['of another branch', (one) => one.git('checkout', '--quiet', '-b', 'feature'), '0.2.0', 'on main'],
    ['that has a tag', (one) => one.git('tag', 'v0.2.0'), '0.2.0', 'has been released'],
    ['behind origin', (one) => behind(one), '0.2.0', 'pull first'],
    ['older than the last one', () => undefined, '0.0.9', 'is older than 0.1.0'],
    ['of which the changelog says nothing', (one) => emptied(one), '0.2.0', 'says nothing about 0.2.0'],
    ['without an unreleased section', (one) => dated(one), '0.2.0', 'not an unreleased one'],
    ['that is no version', () => undefined, 'minor', 'usage'],
  ])('refuses a release %s', (_, prepare, version, reason) => {
    prepare(clone);
    const before = clone.git('rev-parse', 'HEAD');
    const { status, stderr } = clone.release(version);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(reason) });
    expect(clone.git('rev-parse', 'HEAD')).toBe(before);
  });
});

function behind(clone: Clone): void {
  clone.write('later.txt', 'later');
  clone.commit();
  clone.git('push', '--quiet', 'origin', 'main');
  clone.git('reset', '--quiet', '--hard', 'HEAD~1');
}

function emptied(clone: Clone): void {
  clone.write('CHANGELOG.md', CHANGELOG.replace('### Fixed\n\n- A bug.\n\n', ''));
  clone.commit();
}

function dated(clone: Clone): void {
  clone.write('CHANGELOG.md', CHANGELOG.replace('## [Unreleased]', '## [0.1.1] - 2026-01-02'));
  clone.commit();
}
