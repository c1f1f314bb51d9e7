export { lintBot, type FindingKind, type LintFinding } from './lint.js';
