/** What actions of bots may reach (docs/actions.md): said by who operates Confab, never by a bot. */
import { parseActionSecrets } from '../outbound/action-secrets.js';
import { HOST_FORM } from '../outbound/host-rule.js';
import { addressRange, hidden, list, pem, text } from './kinds.js';
import { optional, secret } from './setting.js';

export const actions = {
  hosts: optional('CONFAB_ACTION_HOSTS', list(text(HOST_FORM, 'a host such as `api.example.com`, `*.example.com`, `api.example.com:8443`, or `http://…` for one without TLS')), {
    defaultText: 'none', example: 'orders.example.com,*.internal.example.com:8443', doc: 'Hosts that actions of bots may call, over https unless `http://` stands before one. Without any, every action fails with CONFAB_ACTION_HOST_FORBIDDEN.',
  }),
  privateAddresses: optional('CONFAB_ACTION_PRIVATE_ADDRESSES', list(addressRange), {
    defaultText: 'none', example: '10.20.0.0/16', doc: 'Addresses and ranges that are not public and that actions may reach all the same. Loopback, link-local and cloud metadata addresses are refused unless they stand here.',
  }),
  secrets: secret('CONFAB_ACTION_SECRETS', hidden, {
    doc: 'Secrets that headers of actions name, each for one host, as JSON: `{"ORDERS_TOKEN":{"host":"orders.example.com","value":"…"}}`. A file is read again when it changes.',
    check: (value) => (parseActionSecrets(value.reveal()) === undefined ? 'must be JSON: a name in capitals → {"host", "value"}, values in visible ASCII' : undefined),
  }),
  ca: optional('CONFAB_ACTION_CA', pem, { doc: 'Certificate authorities of the servers that actions call, where the public ones are not meant.' }),
};
