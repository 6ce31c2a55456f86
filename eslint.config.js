import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const MORE_THAN_THREE = '[params.length>3]';
const THREE_PARAMETERS = [
  `FunctionDeclaration${MORE_THAN_THREE}`,
  // A provider's factory is a constructor in disguise: its parameters are injected.
  `:not(Property[key.name="useFactory"]) > ArrowFunctionExpression${MORE_THAN_THREE}`,
  `:not(MethodDefinition):not(Property[key.name="useFactory"]) > FunctionExpression${MORE_THAN_THREE}`,
  // Passport's own signature, which applications override.
  `MethodDefinition:not([kind="constructor"]):not([key.name="handleRequest"]) > FunctionExpression${MORE_THAN_THREE}`,
  `TSAbstractMethodDefinition > TSEmptyBodyFunctionExpression${MORE_THAN_THREE}`,
].map((selector) => ({ selector, message: 'At most three parameters: group them in an object.' }));

export default tseslint.config(
  { ignores: ['**/dist/', 'coverage/', 'docs/api/', 'reports/', '.stryker-tmp/', '.ci/scratch/', 'sample/**/data/'] },
  eslint.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: globals.node },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      globals: globals.node,
      parserOptions: { project: ['./tsconfig.json', './test/types/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // async without await is how a method of a port rejects instead of throwing.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      'max-depth': ['error', 3],
      'max-lines': ['warn', { max: 180, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true, IIFEs: true }],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'ExportAllDeclaration', message: 'Name what is exported.' },
        { selector: 'TSEnumDeclaration', message: 'Use a union of literals.' },
        ...THREE_PARAMETERS,
      ],
    },
  },
  {
    // Suites are one long function and look into bodies of answers, which are `any` by nature.
    files: ['test/**/*.ts', 'sample/**/*.ts', 'bench/**/*.ts', 'lib/testing/contract/**/*.ts', 'lib/testing/repository-contract.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'max-lines-per-function': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/no-extraneous-class': 'off' },
  },
  {
    // One file knows where things are in `lib`, so that a move there changes no test.
    files: ['test/**/*.ts'],
    ignores: ['test/support/lib.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['**/lib/**', '!**/support/lib.js'], message: 'Import from nestjs-token or from test/support/lib.ts.' }] },
      ],
    },
  },
  {
    // One class per cause: long, and read by look-up.
    files: ['lib/errors/token.errors.ts'],
    rules: { 'max-lines': 'off' },
  },
  prettier,
);
