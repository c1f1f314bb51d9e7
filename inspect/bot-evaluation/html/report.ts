/** An evaluation as one page of HTML that stands alone: no scripts, nothing loaded from elsewhere. */
import type { Evaluation } from '../evaluate.js';
import type { Interval } from '../measures.js';
import { escaped, page, percent } from './markup.js';
import { calibrationPlot, intervalPlot, outOfScopePlot } from './plots.js';

/** Below it a share is marked. */
const LOW = 0.8;
const number = (value: number): string => value.toLocaleString('en-US');
const rangeText = ({ low, high }: Interval): string => `${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)}`;

export function htmlReport(evaluation: Evaluation): string {
  const body = [head(evaluation), plots(evaluation), scopes(evaluation), confusionTable(evaluation), intentTable(evaluation)].join('\n');
  return page(`${evaluation.name}: evaluation of intents`, body);
}

function head(one: Evaluation): string {
  const tiles: [string, string][] = [
    [percent(one.accuracy), `accuracy in scope (${rangeText(one.accuracyInterval)})`], [one.macroF1.toFixed(3), 'macro F1'], [one.ece.toFixed(3), 'calibration error (ECE)'],
    [one.outOfScopeAuroc === null ? '–' : one.outOfScopeAuroc.toFixed(3), 'out of scope: AUROC'], [percent(one.outOfScopeRecallAt95), 'out of scope: refused at 95 % accepted'],
    [`${one.medianMicros.toFixed(1)} µs`, `a text, median (99 %: ${one.p99Micros.toFixed(1)} µs)`], [`${(one.trainMillis / 1000).toFixed(2)} s`, 'training'], [`${(one.modelBytes / 1e6).toFixed(2)} MB`, 'model'],
  ];
  return `<h1>${escaped(one.name)}</h1>
<p>${escaped(one.method)}; judged: ${number(one.texts.inScope)} texts of ${number(one.intents.length)} intents, ${number(one.texts.outOfScope)} out of scope.</p>
<ul class="tiles">${tiles.map(([value, said]) => `<li><b>${value}</b><span>${said}</span></li>`).join('')}</ul>
<p>Of the texts in scope ${percent(one.inScope.right)} are accepted and right, ${percent(one.inScope.wrong)} are accepted and wrong, ${percent(one.inScope.refused)} are refused.</p>`;
}

function plots(one: Evaluation): string {
  const outside = one.outOfScopeCurve.length === 0 || one.outOfScopeRecallAt95 === null
    ? '<p>There are no texts out of scope to judge with.</p>'
    : `<figure>${outOfScopePlot(one.outOfScopeCurve, { accepted: one.acceptedAt95, refused: one.outOfScopeRecallAt95 })}<figcaption>The dot is the threshold that was chosen without these texts.</figcaption></figure>`;
  return `<h2>Does it know how sure it is?</h2>
<div class="plots"><figure>${calibrationPlot(one.calibration)}<figcaption>On the dashed line a confidence of 80 % is right in 80 of 100 cases. Bars: how many texts have that confidence.</figcaption></figure>${outside}</div>`;
}

function scopes({ outOfScope }: Evaluation): string {
  if (outOfScope.length < 2) return '';
  const rows = outOfScope.map(({ from, texts, auroc, recallAt95 }) => `<tr><td>${escaped(from)}</td><td class="n">${number(texts)}</td><td class="n">${auroc?.toFixed(3) ?? '–'}</td><td class="n">${percent(recallAt95)}</td></tr>`).join('');
  return `<h2>Out of scope, by file</h2><div class="scroll"><table><thead><tr><th>file</th><th class="n">texts</th><th class="n">AUROC</th><th class="n">refused</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function confusionTable({ confusions }: Evaluation): string {
  if (confusions.length === 0) return '<h2>What is mixed up</h2><p>Nothing.</p>';
  const rows = confusions.map(({ intent, takenFor, texts, examples }) => `<tr><td>${escaped(intent)}</td><td>${escaped(takenFor)}</td><td class="n">${texts}</td><td class="examples">${examples.map(escaped).join('<br>')}</td></tr>`).join('');
  return `<h2>What is mixed up</h2><div class="scroll"><table><thead><tr><th>intent</th><th>taken for</th><th class="n">texts</th><th>such as</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function intentTable({ intents }: Evaluation): string {
  const rows = [...intents].sort((a, b) => a.f1 - b.f1 || (a.intent < b.intent ? -1 : 1)).map((one) => `<tr><td>${escaped(one.intent)}</td><td class="n">${number(one.texts)}</td>`
    + `${shareCells(one.recall, one.recallInterval)}${shareCells(one.precision, one.precisionInterval)}<td class="n${one.f1 < LOW ? ' low' : ''}">${one.f1.toFixed(3)}</td></tr>`).join('\n');
  return `<h2>Intents, the weakest first</h2><p>Recall: how many of its texts are found. Precision: how many of the texts taken for it are it. With 95 % intervals (Wilson).</p>
<div class="scroll"><table><thead><tr><th>intent</th><th class="n">texts</th><th class="n">recall</th><th class="range-cell"></th><th class="n">precision</th><th class="range-cell"></th><th class="n">F1</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function shareCells(share: number | null, interval: Interval): string {
  if (share === null) return '<td class="n">–</td><td class="range-cell"></td>';
  return `<td class="n${share < LOW ? ' low' : ''}" title="${rangeText(interval)} %">${percent(share)}</td><td class="range-cell">${intervalPlot(share, interval)}</td>`;
}
