/** Configuration: the only place that knows environment variables. The declaration is config/settings.ts. */
export { configReference, describeConfig } from './config/describe.js';
export { allSettings, loadConfig, type Environment, type LoadOptions } from './config/load.js';
export { nearest } from './config/nearest.js';
export type { Config } from './config/rules.js';
export { Secret } from './config/secret.js';
