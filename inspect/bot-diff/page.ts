/** A comparison as one page of HTML that stands alone: no scripts, nothing loaded from elsewhere. */
import { escaped, page, percent } from '../bot-evaluation/html/markup.js';
import type { Comparison, Counts, Said, TurnDifference, Verdict } from './types.js';

const NAMES: Readonly<Record<Verdict, string>> = { same: 'same', changed: 'changed', newlyAnswered: 'newly answered', newlyFailed: 'newly failed' };

const STYLE = `<style>
.turn { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; margin: 12px 0; }
.turn h3 { font-size: 14px; margin: 0 0 4px; font-weight: 600; overflow-wrap: anywhere; }
.turn .about { font-size: 13px; margin: 0 0 8px; }
.turn blockquote { margin: 0 0 10px; padding: 0 0 0 10px; border-left: 3px solid var(--mark); overflow-wrap: anywhere; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
@media (max-width: 640px) { .sides { grid-template-columns: 1fr; } }
.side { background: var(--tile); border-radius: 6px; padding: 8px 10px; overflow-wrap: anywhere; min-width: 0; }
.side h4 { margin: 0 0 4px; font-size: 12px; color: var(--soft); font-weight: 600; }
.side p { margin: 2px 0; color: inherit; }
.side .offers { font-size: 13px; color: var(--soft); }
.tag { display: inline-block; font-size: 12px; padding: 0 8px; border: 1px solid currentColor; border-radius: 10px; margin-right: 8px; }
.newlyFailed .tag { color: var(--bad); }
.newlyAnswered .tag { color: var(--mark); }
</style>`;

export function diffPage(comparison: Comparison): string {
  const { bot, newVersion, against, totals, conversations, begunBefore, withMissingEffects, differences, left } = comparison;
  const body = `${STYLE}<h1>${escaped(bot)}: ${escaped(newVersion)} against ${escaped(against)}</h1>
<p>${conversations} recorded conversations with ${totals.turns} turns were played through the new version. Nothing was called and nothing written.${begunBefore === 0 ? '' : ` ${begunBefore} of them had begun before the recording: their first turns may differ for that alone.`}${withMissingEffects === 0 ? '' : ` ${withMissingEffects} turns wanted an action or a language model of which the recording has no answer.`}</p>
<ul class="tiles">${(Object.keys(NAMES) as Verdict[]).map((verdict) => `<li><b>${totals[verdict]}</b><span>${NAMES[verdict]}, ${percent(share(totals, verdict))}</span></li>`).join('')}</ul>
${table('By flow', 'The flow that the turn ran first in the new version.', comparison.flows)}
${table('By intent', 'The intent that the new version acted on.', comparison.intents)}
<h2>Turns that differ</h2>
${differences.length === 0 ? '<p>None.</p>' : differences.map(turnHtml).join('\n')}
${left === 0 ? '' : `<p>${left} more are counted above and not shown; --show shows more.</p>`}`;
  return page(`${bot}: ${newVersion} against ${against}`, body);
}

const share = (counts: Counts, verdict: Verdict): number => (counts.turns === 0 ? 0 : counts[verdict] / counts.turns);

function table(title: string, about: string, rows: readonly ({ readonly name: string } & Counts)[]): string {
  const cell = (value: number, low = false): string => `<td class="n${low && value > 0 ? ' low' : ''}">${value}</td>`;
  return `<h2>${title}</h2><p>${about}</p><div class="scroll"><table><thead><tr><th>Name</th><th class="n">Turns</th><th class="n">Same</th><th class="n">Changed</th><th class="n">Newly answered</th><th class="n">Newly failed</th></tr></thead><tbody>${rows.map((row) => `<tr><td>${row.name === '' ? '<i>none</i>' : escaped(row.name)}</td>${cell(row.turns)}${cell(row.same)}${cell(row.changed)}${cell(row.newlyAnswered)}${cell(row.newlyFailed, true)}</tr>`).join('')}</tbody></table></div>`;
}

function turnHtml({ conversation, position, turn, kind, said, verdict, before, after, flow, missing, error }: TurnDifference): string {
  const about = [`turn ${turn}`, kind, position, ...(flow === null ? [] : [`flow ${flow}`]), ...missing.map((key) => `no recorded answer of ${key}`), ...(error === null ? [] : [error])].map(escaped).join(' · ');
  return `<article class="turn ${verdict}"><h3><span class="tag">${NAMES[verdict]}</span>${escaped(conversation)}</h3><p class="about">${about}</p><blockquote>${escaped(said)}</blockquote><div class="sides">${sideHtml('Before', before)}${sideHtml('After', after)}</div></article>`;
}

function sideHtml(title: string, { outcome, intent, texts, offers }: Said): string {
  return `<div class="side"><h4>${title}: ${escaped(outcome)}${intent === null ? '' : `, intent ${escaped(intent)}`}</h4>${texts.map((text) => `<p>${escaped(text)}</p>`).join('')}${offers.length === 0 ? '' : `<p class="offers">${offers.map(escaped).join(' | ')}</p>`}</div>`;
}
