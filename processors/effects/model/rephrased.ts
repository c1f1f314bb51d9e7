/** Whether other words say the same: every figure, link and address of the text is there, and no other. */
import { ConfabError } from '../../../platform/errors.js';

/** @throws CONFAB_MODEL_UNSAFE */
export function checkRephrased(before: string, after: string): void {
  const [had, has] = [factsOf(before), factsOf(after)];
  const same = had.size === has.size && [...had].every((fact) => has.has(fact));
  if (!same || after.length > before.length * 3 + 200) throw new ConfabError('CONFAB_MODEL_UNSAFE', { detail: 'The other words do not say the same.' });
}

/** Words with a digit, and what looks like a link. */
function factsOf(text: string): Set<string> {
  return new Set(text.normalize('NFKC').toLowerCase().split(/[\s"'“”‘’()[\]]+/).map((word) => word.replace(/^[.,;:!?]+|[.,;:!?]+$/g, '')).filter((word) => /\d|:\/\/|www\.|@/.test(word)));
}
