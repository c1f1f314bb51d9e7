/** Contract suite of the LanguageModel port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isCode, type ErrorCode } from '../errors.js';
import type { LanguageModel, ModelEnd, ModelQuestion } from './language-model.js';

/** What the other side does. */
export interface Staged {
  readonly say: readonly string[];
  readonly end: 'stop' | 'length' | 'cut' | 'failed' | 'busy' | 'refused' | 'hang';
  readonly tokens?: number;
}

const question: ModelQuestion = { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'secret words' }], maxTokens: 100, user: 'u1' };
const idle = new AbortController().signal;

async function read(model: LanguageModel, signal = idle): Promise<{ pieces: string[]; end: ModelEnd }> {
  const pieces: string[] = [];
  const stream = model.stream(question, signal);
  for (;;) {
    const next = await stream.next();
    if (next.done === true) return { pieces, end: next.value };
    pieces.push(next.value);
  }
}

export function languageModelContract(name: string, make: (t: TestContext, staged: Staged) => Promise<LanguageModel> | LanguageModel): void {
  const rule = (sentence: string, staged: Staged, body: (model: LanguageModel) => Promise<void>): void => {
    test(`${name} language model: ${sentence}`, async (t) => {
      const model = await make(t, staged);
      t.after(() => model.close());
      await body(model);
    });
  };

  rule('pieces come in order and whole', { say: ['Wo ', 'ist', ' mein Päckchen? ', '包裹 ', '📦'], end: 'stop', tokens: 42 }, async (model) => {
    const { pieces, end } = await read(model);
    assert.deepEqual(pieces.join(''), 'Wo ist mein Päckchen? 包裹 📦');
    assert.deepEqual(end, { reason: 'stop', tokens: 42 });
  });

  rule('an answer at the limit of tokens says so', { say: ['half an'], end: 'length' }, async (model) => {
    assert.equal((await read(model)).end.reason, 'length');
  });

  rule('an empty answer is an answer', { say: [], end: 'stop' }, async (model) => {
    assert.deepEqual((await read(model)).pieces, []);
  });

  for (const [end, code] of [['cut', 'CONFAB_MODEL_CUT'], ['failed', 'CONFAB_MODEL_UNAVAILABLE'], ['busy', 'CONFAB_MODEL_BUSY'], ['refused', 'CONFAB_MODEL_REFUSED']] as const satisfies readonly (readonly [Staged['end'], ErrorCode])[]) {
    rule(`${end}: rejects with ${code} and without a word of what was said`, { say: end === 'cut' ? ['the secret answer'] : [], end }, async (model) => {
      await assert.rejects(read(model), (error) => isCode(error, code) && !/secret/.test(error.message));
    });
  }

  rule('an abort ends it at once, with the reason of the signal', { say: ['a'], end: 'hang' }, async (model) => {
    const controller = new AbortController();
    const stream = model.stream(question, controller.signal);
    assert.deepEqual(await stream.next(), { done: false, value: 'a' });
    const next = stream.next();
    controller.abort(new Error('enough'));
    await assert.rejects(next, /enough/);
  });

  rule('what is aborted before it begins never begins', { say: ['a'], end: 'stop' }, async (model) => {
    await assert.rejects(read(model, AbortSignal.abort(new Error('not wanted'))), /not wanted/);
  });
}
