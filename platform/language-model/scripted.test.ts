import { ManualClock } from '../clock-manual.js';
import { ConfabError, type ErrorCode } from '../errors.js';
import { languageModelContract, type Staged } from './language-model.contract.js';
import { ScriptedModel, type ScriptStep } from './scripted.js';

const FAILURES: Partial<Record<Staged['end'], ErrorCode>> = { cut: 'CONFAB_MODEL_CUT', failed: 'CONFAB_MODEL_UNAVAILABLE', busy: 'CONFAB_MODEL_BUSY', refused: 'CONFAB_MODEL_REFUSED' };

languageModelContract('scripted', (_t, { say, end, tokens }) => new ScriptedModel(new ManualClock(), () => {
  const failure = FAILURES[end];
  const last: ScriptStep[] = failure !== undefined ? [{ fail: new ConfabError(failure) }] : end === 'hang' ? [{ wait: 60_000 }] : [];
  return { steps: [...say, ...last], end: { reason: end === 'length' ? 'length' : 'stop', tokens } };
}));
