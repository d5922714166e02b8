// What Biome misses: rules that need types. A lost rejection is the worst fault a supervisor can have.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/*.js', '**/*.mjs', '**/*.cjs'] },
  {
    files: ['packages/*/src/**/*.ts', 'test/**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      // no-floating-promises takes it for handled, though what the first function rejects with is lost.
      'no-restricted-syntax': [
        'error',
        {
          selector: "ExpressionStatement > CallExpression[callee.property.name='then'][arguments.length=2]",
          message:
            'What its first function throws or rejects with is handled by nobody: use await, or .then().catch().',
        },
      ],
    },
  },
  {
    // A timer of Node's that is longer than 24.8 days fires at once: host/timer.ts chains them.
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/host/src/timer.ts', '**/*.test.ts', '**/test-*.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'setTimeout', message: 'Use after() or pause() of @reeve/host.' }],
      'no-restricted-imports': [
        'error',
        {
          paths: ['timers/promises', 'node:timers/promises', 'timers', 'node:timers'].map((name) => ({
            name,
            importNames: ['setTimeout'],
            message: 'Use after() or pause() of @reeve/host.',
          })),
        },
      ],
    },
  },
);
