/** What ESLint finds beside the types: TypeScript checks unknown names. */
import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['dist/'] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'MemberExpression[property.name=/^(innerHTML|outerHTML)$/]', message: 'Make elements with h().' },
        { selector: 'CallExpression[callee.property.name="insertAdjacentHTML"]', message: 'Make elements with h().' },
      ],
      'no-shadow': ['error', { builtinGlobals: false }],
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['src/**'], languageOptions: { globals: globals.browser } },
  {
    files: ['build.js', 'pages.js', 'eslint.config.js'],
    languageOptions: { globals: globals.node },
  },
  { files: ['test/**'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
];
