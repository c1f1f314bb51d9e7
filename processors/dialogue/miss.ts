/** Nothing was understood: the ladder of the bot's fallback, a rung higher each time in a row. */
import { forgetFlows, pushFrame } from './memory.js';
import { offerLikely } from './offer.js';
import { handOff, run } from './run.js';
import { say } from './speak.js';
import type { Turn } from './turn.js';

export function miss(turn: Turn): void {
  const { memory, program } = turn;
  const { ladder, say: first } = program.bot.fallback;
  memory.missed += 1;
  turn.outcome = 'fallback';
  const at = Math.min(memory.missed, ladder.length) - 1;
  const rung = ladder[at];
  if (!rung) { say(turn, first); return; }
  switch (rung.do) {
    case 'say': say(turn, rung.response); return;
    case 'offer': if (!offerLikely(turn, rung.response, rung.most)) say(turn, hasChoices(turn, rung.response) ? rung.response : lastSaid(turn, at)); return;
    case 'flow':
      memory.missed = 0;
      forgetFlows(memory);
      pushFrame(memory, rung.flow);
      run(turn);
      return;
    case 'handoff':
      memory.missed = 0;
      handOff(turn, rung.reason);
  }
}

/** It offers something by itself, so it makes sense without the likely intents. */
function hasChoices({ program }: Turn, response: number): boolean {
  return (program.bot.responses[response]?.quickReplies.length ?? 0) > 0;
}

/** The response before it in the ladder that says something by itself. */
function lastSaid(turn: Turn, before: number): number {
  const { ladder, say: first } = turn.program.bot.fallback;
  for (let at = before - 1; at >= 0; at--) { const rung = ladder[at]; if (rung?.do === 'say') return rung.response; }
  return first;
}
