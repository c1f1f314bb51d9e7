/** Replies and the version of the bot that they name: one that was given to the nodes, which says what that version says. */
import type { History } from './history.js';
import type { Finding } from './verdict.js';

const WILL = 'I will.';

/** @param labels by version, what it adds to its answer */
export function versionFindings({ conversations }: History, botId: string, labels: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  for (const [id, { replies }] of conversations) {
    for (const { position, bot, version, said } of replies) {
      if (bot !== botId) continue;
      const label = labels.get(version);
      if (label === undefined) findings.push({ kind: 'wrong', conversation: id, position, detail: `it was answered by version ${version}, which nobody deployed` });
      else if (said?.startsWith(WILL) === true && said !== `${WILL}${label}`) findings.push({ kind: 'wrong', conversation: id, position, detail: `version ${version} says "${WILL}${label}", and "${said}" was said in its name` });
    }
  }
  return findings;
}
