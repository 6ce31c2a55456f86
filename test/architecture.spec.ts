import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');
const LIB = join(ROOT, 'lib');
const FILES = ts.sys.readDirectory(LIB, ['.ts']).map((path) => relative(LIB, path).split(sep).join('/'));
const SOURCES = new Map(
  FILES.map((file) => [file, ts.createSourceFile(file, readFileSync(join(LIB, file), 'utf8'), ts.ScriptTarget.ES2023, true)]),
);

interface Import {
  readonly from: string;
  /** A path below lib, with its `.ts`, or the name of a package. */
  readonly to: string;
  /** `import()`: loaded only when the application needs it. */
  readonly isDynamic: boolean;
}

const IMPORTS: readonly Import[] = FILES.flatMap((from) =>
  specifiersOf(SOURCES.get(from)!).map(({ text, isDynamic }) => ({ from, to: resolved(from, text), isDynamic })),
);

/** Of `import`, `export … from`, `import()` and `import type`. */
function specifiersOf(source: ts.SourceFile): { text: string; isDynamic: boolean }[] {
  const specifiers: { text: string; isDynamic: boolean }[] = [];
  const add = (node: ts.Node, isDynamic = false) => specifiers.push({ text: textOf(node), isDynamic });
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) add(node.moduleSpecifier);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0]!, true);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return specifiers;
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : '?';
}

function resolved(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(dirname(from), specifier).replace(/\.js$/, '.ts') : specifier;
}

const isIn =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(`${folder}/`));
const isPackage =
  (...names: string[]) =>
  (path: string) =>
    !path.endsWith('.ts') && names.some((name) => path === name || path.startsWith(`${name}/`));
const allows =
  (...files: string[]) =>
  (path: string) =>
    files.includes(path);

/** Imports that break a rule: those from where it holds to where it forbids. */
function offences(from: (path: string) => boolean, to: (path: string) => boolean): string[] {
  return IMPORTS.filter((one) => from(one.from) && to(one.to)).map((one) => `${one.from} → ${one.to}`);
}

function nodesOf(kind: ts.SyntaxKind): string[] {
  return FILES.flatMap((file) => {
    const found: string[] = [];
    const source = SOURCES.get(file)!;
    const visit = (node: ts.Node): void => {
      if (node.kind === kind) found.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`);
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

/** The rooms from top to bottom: read in this order, they are the way of a request. */
const ROOMS = [
  'index.ts',
  'module',
  'options',
  'endpoints',
  'nest',
  'sockets',
  'authentication',
  'transport',
  'events',
  'revocation',
  'session',
  'stateless',
  'principal',
  'access-token',
  'keys',
  'errors',
  'protocol',
] as const;
/** Below all rooms. */
const GROUND = ['clock.ts', 'duration.ts', 'text.ts', 'thenable.ts'];
/** What `package.json` exports in addition to the root: built on the rooms, and unknown to them. */
const ENTRY_POINTS = ['typeorm', 'redis', 'testing', 'client'];

function roomOf(path: string): string {
  return path.split('/')[0]!;
}

/** Files that import each other, directly or through others. */
function circles(): string[] {
  const targets = new Map(FILES.map((file) => [file, IMPORTS.filter(({ from }) => from === file).map(({ to }) => to)]));
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.add([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || done.has(file)) return;
    for (const target of targets.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of FILES) walk(file, []);
  return [...found];
}

function isDownhill(from: string, to: string): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === target || GROUND.includes(target)) return true;
  if (ENTRY_POINTS.includes(room)) return true;
  const [height, depth] = [room, target].map((one) => (ROOMS as readonly string[]).indexOf(one)) as [number, number];
  return height !== -1 && depth > height;
}

describe('the imports of lib (docs/architecture.md)', () => {
  it('are all found: every relative one names a file', () => {
    expect(IMPORTS.length).toBeGreaterThan(150);
    expect(IMPORTS.filter(({ from, to }) => to === '?' || (to.endsWith('.ts') && !SOURCES.has(to) && from !== to))).toEqual([]);
  });

  it('of client/ stay in client/', () => {
    expect(offences(isIn('client'), (to) => !isIn('client')(to))).toEqual([]);
  });

  it('lead from each room down to the rooms below it, and never up', () => {
    const uphill = IMPORTS.filter(({ from, to, isDynamic }) => to.endsWith('.ts') && !isDownhill(from, to) && !isDynamic);
    expect(uphill.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('lead to an entry point only where the module loads the store that the application has not replaced', () => {
    const toEntryPoints = IMPORTS.filter(({ from, to }) => isIn(...ENTRY_POINTS)(to) && !isIn(...ENTRY_POINTS)(from));
    expect(toEntryPoints).toEqual([{ from: 'module/store-providers.ts', to: 'typeorm/typeorm-store.module.ts', isDynamic: true }]);
  });

  it('form no circle of files', () => {
    expect(circles()).toEqual([]);
  });

  it('of TypeORM stand in typeorm/ only', () => {
    expect(offences((from) => !isIn('typeorm')(from), isPackage('typeorm', '@nestjs/typeorm'))).toEqual([]);
    expect(offences(isIn('typeorm'), isPackage('typeorm', '@nestjs/typeorm'))).not.toEqual([]);
  });

  it('of passport stand in its strategy only', () => {
    const mayImport = allows('nest/passport-jwt.strategy.ts');
    expect(offences((from) => !mayImport(from), isPackage('passport', 'passport-jwt', '@nestjs/passport'))).toEqual([]);
    expect(offences(mayImport, isPackage('passport', 'passport-jwt', '@nestjs/passport'))).not.toEqual([]);
  });

  it('of jsonwebtoken come through @nestjs/jwt, in access-token/ only', () => {
    expect(offences((from) => !isIn('access-token')(from), isPackage('@nestjs/jwt', 'jsonwebtoken'))).toEqual([]);
  });

  it('of Express and Fastify do not exist', () => {
    expect(offences(() => true, isPackage('express', 'fastify', '@nestjs/platform-express', '@nestjs/platform-fastify'))).toEqual([]);
  });

  it('never lead to index.ts', () => {
    expect(
      offences(
        () => true,
        (to) => ['index.ts', 'nestjs-token'].includes(to),
      ),
    ).toEqual([]);
  });

  it('lead to nothing but Node, dependencies and peers', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<'dependencies' | 'peerDependencies', object>;
    const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    const packages = [...new Set(IMPORTS.map(({ to }) => to).filter((to) => !to.endsWith('.ts') && !to.startsWith('node:')))];
    expect(packages.filter((name) => !declared.includes(name))).toEqual([]);
  });

  it('stand in at most two levels of folders', () => {
    expect(FILES.filter((file) => file.split('/').length > 3)).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8');
  const quoted = [...page.matchAll(/`([\w./-]+)`/g)].map(([, text = '']) => text);

  it('names files and folders that exist', () => {
    const paths = quoted.filter((text) => /(\/|\.ts|\.md)$/.test(text));
    expect(paths.length).toBeGreaterThan(50);
    expect(paths.filter((path) => !existsSync(join(LIB, path)) && !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('lists the rooms in their order, each entry point, and what is below all rooms', () => {
    const rows = [...page.matchAll(/^\| `([\w-]+(?:\.ts|\/)|nestjs-token\/\w+)`/gm)].map(([, name = '']) =>
      name.replace(/^nestjs-token\//, ''),
    );
    const existing = [...ROOMS, ...ENTRY_POINTS].filter((room) => FILES.some((file) => file === room || file.startsWith(`${room}/`)));
    expect(rows.map((name) => name.replace(/\/$/, ''))).toEqual(existing);
    expect(GROUND.filter((file) => !quoted.includes(file))).toEqual([]);
  });

  it('has a row for each port: each abstract class but the base of errors and the factory of the default store', () => {
    const ports = [...SOURCES.values()]
      .flatMap((source) => [...source.text.matchAll(/^export abstract class (\w+)/gm)])
      .map(([, name = '']) => name);
    const missing = ports.filter((name) => !page.includes(`\n| \`${name}\``));
    expect(missing.sort()).toEqual(['TokenError', 'TokenRepositoryFactory']);
    expect(ports.length - missing.length).toBeGreaterThan(8);
  });
});

describe('the sources of lib (style.md §2.1)', () => {
  it('know no any', () => {
    expect(nodesOf(ts.SyntaxKind.AnyKeyword)).toEqual([]);
  });

  it('know no default export', () => {
    expect(nodesOf(ts.SyntaxKind.DefaultKeyword).filter((at) => isDefaultExport(at))).toEqual([]);
    expect(nodesOf(ts.SyntaxKind.ExportAssignment)).toEqual([]);
  });

  it('know no enum and no namespace', () => {
    expect([...nodesOf(ts.SyntaxKind.EnumDeclaration), ...nodesOf(ts.SyntaxKind.ModuleDeclaration)]).toEqual([]);
  });

  it('know no folder for everything', () => {
    expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|common|misc|shared)(\/|\.)/.test(file))).toEqual([]);
  });
});

function isDefaultExport(at: string): boolean {
  const [file = '', line = ''] = at.split(':');
  return /export\s+default/.test(SOURCES.get(file)!.text.split('\n')[Number(line) - 1] ?? '');
}

/** The declarations of the entry points. */
const ENTRY_FILES = ['typeorm/index.d.ts', 'redis/index.d.ts', 'testing/index.d.ts'];

/** The declarations that `npm run build` would write, and a program that reads only them. */
function declarations(): { checker: ts.TypeChecker; exportsOf: (file: string) => ts.Symbol[]; errors: string[] } {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), (path) => ts.sys.readFile(path));
  const { options, fileNames } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  const emitted = new Map<string, string>();
  const first = ts.createProgram(fileNames, { ...options, emitDeclarationOnly: true, sourceMap: false, inlineSources: false });
  first.emit(undefined, (path, text) => emitted.set(path, text));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  // Nothing has to be built: the folders of the declarations need not exist.
  host.directoryExists = (path) => [...emitted.keys()].some((file) => file.startsWith(`${path}/`)) || ts.sys.directoryExists(path);
  host.fileExists = (path) => emitted.has(path) || fileExists(path);
  host.readFile = (path) => emitted.get(path) ?? readFile(path);
  host.getSourceFile = (path, target) => {
    const text = host.readFile(path);
    return text === undefined ? undefined : ts.createSourceFile(path, text, target, true);
  };
  const entries = ['index.d.ts', ...ENTRY_FILES].map((file) => join(ROOT, 'dist', file));
  const program = ts.createProgram(entries, { ...options, noEmit: true }, host);
  const checker = program.getTypeChecker();
  const exportsOf = (file: string) => {
    const source = program.getSourceFile(join(ROOT, 'dist', file));
    const symbol = source && checker.getSymbolAtLocation(source);
    return symbol ? checker.getExportsOfModule(symbol) : [];
  };
  const errors = entries.flatMap((path) =>
    program.getSemanticDiagnostics(program.getSourceFile(path)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
  );
  return { checker, exportsOf, errors };
}

describe('the public surface', () => {
  const { checker, exportsOf, errors } = declarations();
  const origin = (symbol: ts.Symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const namesOf = (file: string) =>
    exportsOf(file)
      .map(({ name }) => name)
      .sort();

  it('has declarations that stand on their own', () => {
    expect(errors).toEqual([]);
  });

  it('of nestjs-token is this and no more', () => {
    expect(namesOf('index.d.ts')).toEqual(PUBLIC_NAMES);
  });

  it('of nestjs-token/typeorm is this and no more', () => {
    expect(namesOf('typeorm/index.d.ts')).toEqual(TYPEORM_NAMES);
  });

  it('of nestjs-token/redis is this and no more', () => {
    expect(namesOf('redis/index.d.ts')).toEqual(REDIS_NAMES);
  });

  it('of nestjs-token/testing is this and no more', () => {
    expect(namesOf('testing/index.d.ts')).toEqual(TESTING_NAMES);
  });

  it('exports at run time what it declares as a value', async () => {
    const values = exportsOf('index.d.ts').filter((symbol) => origin(symbol).flags & ts.SymbolFlags.Value && !isTypeOnly(symbol));
    const library: object = await import('nestjs-token');
    expect(Object.keys(library).sort()).toEqual(values.map(({ name }) => name).sort());
  });

  it.each(['index.d.ts', ...ENTRY_FILES])('has a doc comment on every export of %s, which survives in the declarations', (file) => {
    const undocumented = exportsOf(file).filter((symbol) => origin(symbol).getDocumentationComment(checker).length === 0);
    expect(undocumented.map(({ name }) => name)).toEqual([]);
  });

  it('has a doc comment on every option', () => {
    const groups = exportsOf('index.d.ts').filter(({ name }) =>
      /^(TokenModuleOptions|TokenModuleExtras|\w+Options|TokenKey|RefreshKey)$/.test(name),
    );
    const options = groups
      .map(origin)
      .filter(({ flags }) => flags & ts.SymbolFlags.Interface)
      .flatMap((group) =>
        checker
          .getDeclaredTypeOfSymbol(group)
          .getProperties()
          .map((option) => ({ group: group.name, option })),
      );
    const undocumented = options.filter(({ option }) => option.getDocumentationComment(checker).length === 0);
    expect(options.length).toBeGreaterThan(40);
    expect(undocumented.map(({ group, option }) => `${group}.${option.name}`)).toEqual([]);
  });

  it('has a doc comment on every public method of its services', () => {
    const services = exportsOf('index.d.ts').filter(({ name }) =>
      ['RefreshService', 'SignInService', 'AccessTokenService', 'TokenTransport', 'TokenRepository'].includes(name),
    );
    const methods = services.flatMap((service) =>
      checker
        .getDeclaredTypeOfSymbol(origin(service))
        .getProperties()
        .filter((member) => member.flags & ts.SymbolFlags.Method && !isHidden(member))
        .map((method) => ({ service: service.name, method })),
    );
    expect(methods.length).toBeGreaterThan(15);
    const undocumented = methods.filter(({ method }) => method.getDocumentationComment(checker).length === 0);
    expect(undocumented.map(({ service, method }) => `${service}.${method.name}`)).toEqual([]);
  });
});

function isTypeOnly(symbol: ts.Symbol): boolean {
  return (
    symbol.declarations?.some((declaration) => ts.isExportSpecifier(declaration) && ts.isTypeOnlyExportDeclaration(declaration)) ?? false
  );
}

function isHidden(member: ts.Symbol): boolean {
  const [declaration] = member.declarations ?? [];
  return declaration !== undefined && (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) !== 0;
}

describe('the files of the package', () => {
  it('have source maps that carry the sources, which are not in the package themselves (F-39)', () => {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const text = SOURCES.get('duration.ts')!.text;
    const { sourceMapText = '{}' } = ts.transpileModule(text, { compilerOptions: options, fileName: 'duration.ts' });
    expect((JSON.parse(sourceMapText) as { sourcesContent?: string[] }).sourcesContent).toEqual([text]);
  });
});

/** Adding a name is a minor version, taking one away a major one. */
const PUBLIC_NAMES = [
  'AccessOptions',
  'AccessToken',
  'AccessTokenBody',
  'AccessTokenClaims',
  'AccessTokenResponse',
  'AccessTokenService',
  'AnyTokenError',
  'AuthInstance',
  'CachedUserOptions',
  'CheckStage',
  'CheckedRequest',
  'ClaimsHook',
  'ClearTokens',
  'Clock',
  'ContextUnsupported',
  'CookieOptions',
  'CookieSameSite',
  'CookieSameSiteOptions',
  'Credential',
  'Credentials',
  'CsrfCredential',
  'CsrfFailed',
  'CsrfOptions',
  'CurrentSession',
  'CurrentUser',
  'Deliverable',
  'Duration',
  'DurationUnit',
  'EndpointOptions',
  'ErrorBodyHook',
  'EventOrigin',
  'Fresh',
  'FreshTokenRequired',
  'HeaderOptions',
  'HookFailed',
  'HookTimeout',
  'InjectAccessTokenService',
  'InjectRefreshService',
  'InjectSignInService',
  'InjectTokenEvents',
  'InjectTokenHealthIndicator',
  'InjectTokenSockets',
  'InjectTokenTransport',
  'InsertedSession',
  'IntrospectionOptions',
  'IssuedTokens',
  'JsonWebKeySet',
  'JwksOptions',
  'JwtAuthGuard',
  'KeyCondition',
  'KeyEvent',
  'KeySource',
  'KeysUnavailable',
  'LegacyAccess',
  'LegacyExchangeHook',
  'LegacyOptions',
  'LegacySession',
  'LegacyVerifyHook',
  'LoadUserHook',
  'NewSession',
  'OAuthClientOptions',
  'OptionalAuth',
  'OwnerCondition',
  'Principal',
  'PrincipalUser',
  'Protected',
  'Public',
  'PublicJsonWebKey',
  'REVOKE_REASONS',
  'RedactOptions',
  'RefreshKey',
  'RefreshLimited',
  'RefreshOptions',
  'RefreshService',
  'RefreshToken',
  'RefreshTokenExpired',
  'RefreshTokenGuard',
  'RefreshTokenInvalid',
  'RefreshTokenMissing',
  'RefreshTokenPosition',
  'RefreshTokenReused',
  'RejectionEvent',
  'RequestCheck',
  'RevocationPush',
  'RevokeCondition',
  'RevokeOptions',
  'RevokeReason',
  'RevokedFrom',
  'RevokedPage',
  'RevokedSession',
  'Rotation',
  'RotationConditions',
  'RotationOutcome',
  'RpcOptions',
  'SessionAdvance',
  'SessionChanges',
  'SessionDenylist',
  'SessionDevice',
  'SessionEvent',
  'SessionInfo',
  'SessionKey',
  'SessionLimit',
  'SessionLimitReached',
  'SessionListOptions',
  'SessionListener',
  'SessionMismatch',
  'SessionNotFound',
  'SessionOwner',
  'SessionPage',
  'SessionPatch',
  'SessionRevoked',
  'SessionSnapshot',
  'SessionSummary',
  'SessionsOptions',
  'SignInOptions',
  'SignInService',
  'SignOptions',
  'Signer',
  'SignerUnavailable',
  'SiteData',
  'SlidingClaim',
  'SlidingOptions',
  'StatelessSignInOptions',
  'StoreConflict',
  'StoreEvent',
  'StorePatience',
  'StoreUnavailable',
  'SystemClock',
  'TOKEN_ERRORS',
  'TokenAlgorithm',
  'TokenError',
  'TokenErrorBody',
  'TokenErrorCode',
  'TokenErrorDescription',
  'TokenErrorExtensions',
  'TokenEvent',
  'TokenEvents',
  'TokenExpired',
  'TokenHealth',
  'TokenHealthIndicator',
  'TokenHealthOptions',
  'TokenHook',
  'TokenInterceptor',
  'TokenInvalid',
  'TokenKey',
  'TokenLocation',
  'TokenLocations',
  'TokenMalformed',
  'TokenMissing',
  'TokenModule',
  'TokenModuleAsyncOptions',
  'TokenModuleExtras',
  'TokenModuleOptions',
  'TokenModuleRootOptions',
  'TokenNotYetValid',
  'TokenOptionsError',
  'TokenOptionsFactory',
  'TokenPair',
  'TokenPairBody',
  'TokenRepository',
  'TokenRequest',
  'TokenRevoked',
  'TokenSecret',
  'TokenSession',
  'TokenSockets',
  'TokenTooLarge',
  'TokenTransport',
  'TokenTypeMismatch',
  'TraceContext',
  'TransportMode',
  'UserRejected',
  'VerificationKey',
  'WebSocketOptions',
  'parseDuration',
  'redactTokens',
];

const TYPEORM_NAMES = [
  'PostgresRevocationPush',
  'RepositorySettings',
  'SESSION_MIGRATIONS',
  'TokenSessionEntity',
  'TypeOrmTokenRepository',
];

const REDIS_NAMES = ['RedisPublisher', 'RedisRevocationPush', 'RedisSubscriber'];

const TESTING_NAMES = [
  'FakeClock',
  'InMemoryTokenRepository',
  'OpenedStore',
  'OverridableModule',
  'RepositoryContractCase',
  'RepositoryHarness',
  'ServiceLocator',
  'SignedIn',
  'TestPairOptions',
  'TestTokensOptions',
  'TokenHeadersOptions',
  'expiredPair',
  'issueTestPair',
  'signInAs',
  'tokenHeaders',
  'tokenRepositoryContract',
  'useTestTokens',
];
