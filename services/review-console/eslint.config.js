import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// What people read lies in a catalogue (`words.ts` of a feature), never in the code.
const WORDS = "Words belong into the feature's words.ts.";
const READ_ATTRIBUTES = "/^(label|title|placeholder|alt|description|aria-label|aria-description|aria-valuetext)$/";
const noLiterals = [
  { selector: "JSXText[value=/[\\p{L}]/u]", message: WORDS },
  { selector: `JSXAttribute[name.name=${READ_ATTRIBUTES}] > Literal[value=/[\\p{L}]/u]`, message: WORDS },
  { selector: `JSXAttribute[name.name=${READ_ATTRIBUTES}] TemplateElement[value.raw=/[\\p{L}]{2}/u]`, message: WORDS },
  { selector: ":matches(JSXElement, JSXFragment) > JSXExpressionContainer > Literal[value=/[\\p{L}]/u]", message: WORDS },
  { selector: ":matches(JSXElement, JSXFragment) > JSXExpressionContainer > TemplateLiteral > TemplateElement[value.raw=/[\\p{L}]/u]", message: WORDS },
  { selector: ":matches(JSXElement, JSXFragment) > JSXExpressionContainer > :matches(ConditionalExpression, LogicalExpression) > Literal[value=/[\\p{L}]/u]", message: WORDS },
  { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Whatever platforms send is shown as text." },
];

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/routeTree.gen.ts", "src/api/schema.d.ts", "scripts"] },
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat["recommended-latest"],
  {
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-syntax": ["error", ...noLiterals],
      "no-restricted-imports": ["error", { paths: [{ name: "zod", message: "Import zod/mini: all of zod is 25 KB of what every page loads first." }] }],
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", { max: 110, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      // Routes throw redirects, which are no errors.
      "@typescript-eslint/only-throw-error": "off",
      "jsx-a11y/no-autofocus": ["error", { ignoreNonDOM: true }],
    },
  },
  { files: ["src/**/*.test.{ts,tsx}", "src/testing/**"], rules: { "no-restricted-syntax": "off", "max-lines-per-function": "off" } },
  { files: ["browser/**", "*.js", "*.ts"], languageOptions: { globals: { process: "readonly", console: "readonly" } } },
);
