/** Where the language model is and what it may cost (docs/language-model.md). What it may do is said by each bot. */
import { duration, hidden, integer, text, url } from './kinds.js';
import { optional, secret, setting } from './setting.js';

export const model = {
  url: optional('CONFAB_MODEL_URL', url('http', 'https'), {
    defaultText: 'none: bots say their fallbacks', example: 'http://127.0.0.1:11434/v1', doc: 'Language model with the chat completions API, up to the version: vLLM, Ollama or a hosted one.',
  }),
  name: optional('CONFAB_MODEL_NAME', text(/^[\x21-\x7e]{1,200}$/, 'a name without blanks'), { example: 'llama3.2', doc: 'Name of the model there; needed with CONFAB_MODEL_URL.' }),
  key: secret('CONFAB_MODEL_KEY', hidden, { doc: 'Key of the API. As CONFAB_MODEL_KEY_FILE the file is read again at each request, so that it may be renewed.' }),
  concurrency: setting('CONFAB_MODEL_CONCURRENCY', integer(1, 1000), { default: 32, doc: 'Questions under way at once in one process; further ones get the fallback.' }),
  tenantTokens: optional('CONFAB_MODEL_TENANT_TOKENS', integer(1, 1_000_000_000), { defaultText: 'no limit', example: '500000', doc: 'Tokens that one tenant may use in a window, with all bots; counted by all processes together where there is Redis.' }),
  tenantWindow: setting('CONFAB_MODEL_TENANT_WINDOW', duration, { default: 86_400_000, doc: 'The window of CONFAB_MODEL_TENANT_TOKENS.', check: (value) => (value < 1000 ? 'must be at least 1s' : undefined) }),
};
