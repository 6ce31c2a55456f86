import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** The API reference: `npm run docs:api` writes it. A link that leads nowhere is an error. @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'nestjs-token',
  entryPoints: Object.values(exports).flatMap(({ types }) => (types ? [types.replace(/^\.\/dist\/(.*)\.d\.ts$/, 'lib/$1.ts')] : [])),
  tsconfig: 'tsconfig.build.json',
  out: 'docs/api',
  readme: 'none',
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  disableGit: true,
  sourceLinkTemplate: 'https://github.com/nestjs-token/nestjs-token/blob/main/{path}#L{line}',
  treatWarningsAsErrors: true,
  // The API report names what is referenced but not exported; see .ci/api.mjs.
  validation: { notExported: false, invalidLink: true, invalidPath: true },
};
