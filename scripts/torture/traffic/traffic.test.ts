import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../../platform/testing.js';
import { drawing } from '../draw.js';
import type { Answer, Letter } from './door.js';
import { Ledger } from './ledger.js';
import { REFUSED_MARK, Traffic } from './traffic.js';

/** An ingress in memory that accepts by key, and answers as `say` wants; undefined is the honest answer. */
class Ingress {
  readonly stored: Letter[] = [];
  readonly keys = new Map<string, Answer & { kind: 'accepted'; text: string }>();

  constructor(private readonly say: (letter: Letter, honest: () => Answer) => Answer | undefined = () => undefined) {}

  honest(letter: Letter): Answer {
    const { key, text } = letter;
    if (text.includes('\u0007')) return { kind: 'refused', code: 'CONFAB_BODY_INVALID', retryAfterMs: undefined };
    const known = key === undefined ? undefined : this.keys.get(key);
    if (known !== undefined) return known.text === text ? { ...known, duplicate: true } : { kind: 'refused', code: 'CONFAB_IDEMPOTENCY_KEY_REUSED', retryAfterMs: undefined };
    this.stored.push(letter);
    const answer = { kind: 'accepted' as const, messageId: `m${this.stored.length}`, position: `p-${String(this.stored.length).padStart(6, '0')}`, duplicate: false, text };
    if (key !== undefined) this.keys.set(key, answer);
    return answer;
  }

  async send(letter: Letter): Promise<Answer> {
    await new Promise(setImmediate);
    return this.say(letter, () => this.honest(letter)) ?? this.honest(letter);
  }
}

async function run(t: TestContext, ingress: Ingress, until: (ledger: Ledger) => boolean): Promise<Ledger> {
  const ledger = new Ledger(['a', 'b', 'c']);
  const traffic = new Traffic({ ledger, door: () => ingress, random: drawing(5), rate: 2_000 });
  t.after(() => { traffic.giveUp(); });
  traffic.start();
  await eventually('enough was sent', () => until(ledger));
  traffic.stop();
  await eventually('everything has its answer', () => traffic.open === 0);
  return ledger;
}

test('an honest ingress: everything is accepted once, repeats and other texts included, and nothing contradicts', async (t) => {
  const ingress = new Ingress();
  const ledger = await run(t, ingress, ({ accepted, codes }) => accepted > 300 && (codes.get('CONFAB_IDEMPOTENCY_KEY_REUSED') ?? 0) > 0 && (codes.get('accepted, duplicate') ?? 0) > 5 && (codes.get('CONFAB_BODY_INVALID') ?? 0) > 0);
  assert.deepEqual(ledger.contradictions, []);
  assert.equal(ledger.accepted, ingress.stored.length);
  assert.ok(ingress.stored.every(({ text }) => !text.startsWith(REFUSED_MARK)));
});

test('an answer that is lost is asked for again with the key, and given up without', async (t) => {
  const random = drawing(9);
  const ingress = new Ingress((_letter, honest) => {
    if (random() < 0.7) return undefined;
    honest();
    return { kind: 'unknown', code: 'CONFAB_OUTCOME_UNKNOWN', retryAfterMs: 1 };
  });
  const ledger = await run(t, ingress, ({ accepted }) => accepted > 100);
  const sent = [...ledger.conversations.values()].flatMap((each) => each.sent);
  assert.ok(sent.filter(({ key }) => key !== undefined).every(({ fate }) => fate === 'accepted'));
  assert.ok(sent.some(({ key, fate }) => key === undefined && fate === 'unknown'));
  assert.deepEqual(ledger.contradictions, []);
});

test('an ingress that takes a key twice is found', async (t) => {
  let count = 0;
  const ingress = new Ingress((letter, honest) => {
    const answer = honest();
    return answer.kind === 'accepted' && answer.duplicate ? { ...answer, messageId: `other-${count += 1}` } : answer;
  });
  const ledger = await run(t, ingress, ({ contradictions }) => contradictions.length > 0);
  assert.equal(ledger.contradictions[0]?.kind, 'duplicated');
  assert.match(ledger.contradictions[0]?.detail ?? '', /was answered with m\d+ at .* and with other-/);
});

test('an ingress that takes another text under a known key is found', async (t) => {
  const ingress = new Ingress((letter) => (letter.text.startsWith(`${REFUSED_MARK}: `) && letter.key !== undefined ? { kind: 'accepted', messageId: 'x', position: 'p', duplicate: false } : undefined));
  const ledger = await run(t, ingress, ({ contradictions }) => contradictions.length > 0);
  assert.match(ledger.contradictions[0]?.detail ?? '', /accepted again with another text/);
});
