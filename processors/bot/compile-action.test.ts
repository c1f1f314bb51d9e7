import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActionDefinition } from './action.js';
import { check } from './testing.js';

const BASE = `format: 1
id: b
name: B
language: en
fallback: {say: sorry}
intents: {greet: {examples: [hello, hi there, good day, hey, morning]}}
responses: {sorry: [Sorry?]}
flows: {greet: {on: greet, do: [{act: one, with: {id: '1'}}, {say: sorry}]}}
`;

/** The action `one` of a bot with these lines, or the reasons of its faults. */
function compiled(lines: string): ActionDefinition | string[] {
  const { bot, faults } = check({ 'bot.yaml': BASE, 'actions.yaml': `actions:\n  one:\n${lines.split('\n').map((line) => `    ${line}`).join('\n')}\n` });
  return bot?.actions[0] ?? faults.map(({ file, line, reason }) => `${file}:${line} ${reason}`);
}

test('the shortest action has defaults for all that keeps it within bounds', () => {
  assert.deepEqual(compiled('input: {id: text}\nrequest: {url: "https://a.example.com/x/{id}"}'), {
    name: 'one', input: [{ name: 'id', type: 'text', required: true }], method: 'GET', origin: 'https://a.example.com', path: ['/x/', { input: 'id' }], headers: [], body: null, output: [],
    timeout: 5000, retry: { attempts: 2, pause: 200 }, keyed: false, redirects: 0, maxBytes: 262_144, concurrency: 32, queue: 100, breaker: { failures: 5, rest: 10_000 }, fallback: null,
  });
});

test('all that can be said of an action is kept as it was meant', () => {
  const found = compiled(`input: {id: {type: integer}, note: {required: false}}
request:
  method: POST
  url: http://a.example.com:8080
  headers: {Authorization: 'Bearer {secret.TOKEN}', x-note: 'n {{{note}}}'}
  body: {id: '{id}', list: [1, true, null, 'no {id}'], deep: {text: plain}}
output:
  state: a.0.b
  count: {path: n, type: number, required: false, min: 1, max: 2}
  word: {path: w, maxLength: 3, oneOf: [a, b]}
timeout: 1s
retry: {attempts: 1, pause: 50ms}
keyed: true
redirects: 2
breaker: {failures: 2}
fallback: {state: none}`) as ActionDefinition;
  assert.deepEqual(found.headers, [{ name: 'authorization', value: ['Bearer ', { secret: 'TOKEN' }] }, { name: 'x-note', value: ['n {', { input: 'note' }, '}'] }]);
  assert.deepEqual(found.body, { form: 'object', fields: [
    { name: 'id', value: { form: 'value', input: 'id' } },
    { name: 'list', value: { form: 'list', items: [{ form: 'literal', value: 1 }, { form: 'literal', value: true }, { form: 'literal', value: null }, { form: 'text', text: ['no ', { input: 'id' }] }] } },
    { name: 'deep', value: { form: 'object', fields: [{ name: 'text', value: { form: 'text', text: ['plain'] } }] } },
  ] });
  assert.deepEqual(found.output, [
    { name: 'state', path: ['a', 0, 'b'], type: 'text', required: true, maxLength: 500, min: null, max: null, oneOf: null },
    { name: 'count', path: ['n'], type: 'number', required: false, maxLength: 500, min: 1, max: 2, oneOf: null },
    { name: 'word', path: ['w'], type: 'text', required: true, maxLength: 3, min: null, max: null, oneOf: ['a', 'b'] },
  ]);
  assert.deepEqual([found.origin, found.path, found.retry, found.keyed, found.redirects, found.breaker, found.fallback],
    ['http://a.example.com:8080', ['/'], { attempts: 1, pause: 50 }, true, 2, { failures: 2, rest: 10_000 }, { state: 'none', count: null, word: null }]);
});

const REFUSED: [what: string, lines: string, reason: RegExp][] = [
  ['an input in the place of the host', 'input: {id: text}\nrequest: {url: "https://{id}/x"}', /must be https:\/\/host\/path/],
  ['an input beside the host', 'input: {id: text}\nrequest: {url: "https://a.example.com{id}/x"}', /must be https:\/\/host\/path/],
  ['an input as the port', 'input: {id: text}\nrequest: {url: "https://a.example.com:{id}/"}', /must be https:\/\/host\/path/],
  ['a user in the URL', 'input: {id: text}\nrequest: {url: "https://u:p@a.example.com/"}', /no user name or password/],
  ['a fragment', 'input: {id: text}\nrequest: {url: "https://a.example.com/#x"}', /no "#"/],
  ['another scheme', 'input: {id: text}\nrequest: {url: "file:///etc/passwd"}', /must be https:\/\/host\/path/],
  ['a secret in the URL', 'input: {id: text}\nrequest: {url: "https://a.example.com/?k={secret.TOKEN}"}', /header only/],
  ['a secret in the body', 'input: {id: text}\nrequest: {method: POST, url: "https://a.example.com/", body: {k: "{secret.TOKEN}"}}', /header only/],
  ['a name that is no input', 'input: {id: text}\nrequest: {url: "https://a.example.com/{ix}"}', /actions\.yaml:4 .*"ix"/],
  ['a brace alone', 'input: {id: text}\nrequest: {url: "https://a.example.com/{id"}', /other brace/],
  ['a header of the connection', 'input: {id: text}\nrequest: {url: "https://a.example.com/", headers: {Host: evil}}', /set by the call itself/],
  ['the key by hand', 'input: {id: text}\nrequest: {url: "https://a.example.com/", headers: {Idempotency-Key: x}}', /set by the call itself/],
  ['a header that is none', 'input: {id: text}\nrequest: {url: "https://a.example.com/", headers: {"a b": x}}', /no name of a header/],
  ['a body of a GET', 'input: {id: text}\nrequest: {url: "https://a.example.com/", body: {a: 1}}', /a GET has no body/],
  ['no request', 'input: {id: text}', /lacks "request"/],
  ['a time beyond the budget of the stage', 'input: {id: text}\nrequest: {url: "https://a.example.com/"}\ntimeout: 60s', /timeout/],
  ['a fallback for what is no output', 'input: {id: text}\nrequest: {url: "https://a.example.com/"}\nfallback: {state: x}', /output of the action/],
  ['a fallback of another type', 'input: {id: text}\nrequest: {url: "https://a.example.com/"}\noutput: {n: {path: n, type: number}}\nfallback: {n: x}', /"n" must be number/],
  ['a path that is none', 'input: {id: text}\nrequest: {url: "https://a.example.com/"}\noutput: {n: "a..b"}', /items\.0\.status/],
  ['a key that is not known', 'input: {id: text}\nrequest: {url: "https://a.example.com/"}\ntimeuot: 1s', /timeuot/],
];

for (const [what, lines, reason] of REFUSED) {
  test(`refused, with file, line and reason: ${what}`, () => {
    const found = compiled(lines);
    assert.ok(Array.isArray(found) && found.some((one) => reason.test(one) && /^actions\.yaml:\d+ /.test(one)), JSON.stringify(found));
  });
}
