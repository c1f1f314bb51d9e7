/** Plots as SVG that stands in the page. */
import type { CalibrationBin, CurvePoint, Interval } from '../measures.js';
import { escaped } from './markup.js';

const SIZE = 360;
const LEFT = 44;
const BOTTOM = 40;
const TOP = 10;
const PLOT = SIZE - LEFT - TOP;

const x = (share: number): string => (LEFT + share * PLOT).toFixed(1);
const y = (share: number): string => (TOP + (1 - share) * PLOT).toFixed(1);

interface Axes { readonly title: string; readonly across: string; readonly up: string }

function frame({ title, across, up }: Axes, inside: string): string {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => `<path class="axis" d="M${x(0)} ${y(share)}H${x(1)}"/><text x="${LEFT - 6}" y="${Number(y(share)) + 4}" text-anchor="end">${share * 100}</text><text x="${x(share)}" y="${TOP + PLOT + 16}" text-anchor="middle">${share * 100}</text>`).join('');
  return `<svg viewBox="0 0 ${SIZE} ${SIZE - LEFT + BOTTOM}" role="img" aria-label="${escaped(title)}"><title>${escaped(title)}</title>${ticks}${inside}`
    + `<text x="${x(0.5)}" y="${TOP + PLOT + 34}" text-anchor="middle">${escaped(across)}</text><text transform="translate(11 ${y(0.5)}) rotate(-90)" text-anchor="middle">${escaped(up)}</text></svg>`;
}

/** Accuracy by confidence; on the diagonal a confidence means what it says. Bars: share of texts. */
export function calibrationPlot(bins: readonly CalibrationBin[]): string {
  const texts = bins.reduce((sum, bin) => sum + bin.texts, 0);
  const most = Math.max(...bins.map((bin) => bin.texts / texts), 0);
  const bars = bins.map((bin) => { const height = most === 0 ? 0 : (0.25 * bin.texts) / texts / most; return `<rect class="bar" x="${x(bin.from)}" y="${y(height)}" width="${((bin.to - bin.from) * PLOT - 1).toFixed(1)}" height="${(height * PLOT).toFixed(1)}"><title>${bin.texts} texts</title></rect>`; }).join('');
  const line = bins.map((bin) => `${x(bin.confidence)},${y(bin.accuracy)}`).join(' ');
  const dots = bins.map((bin) => `<circle class="dot" cx="${x(bin.confidence)}" cy="${y(bin.accuracy)}" r="3.5"><title>confidence ${(bin.confidence * 100).toFixed(1)} %, right ${(bin.accuracy * 100).toFixed(1)} %, ${bin.texts} texts</title></circle>`).join('');
  return frame({ title: 'Calibration: share that is right, by confidence', across: 'confidence, %', up: 'right, %' }, `${bars}<path class="ideal" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"/><polyline class="curve" points="${line}"/>${dots}`);
}

/** What is refused of the texts out of scope, by what is accepted of the others. */
export function outOfScopePlot(points: readonly CurvePoint[], at: CurvePoint): string {
  const line = points.map((point) => `${x(point.accepted)},${y(point.refused)}`).join(' ');
  const mark = `<path class="ideal" d="M${x(at.accepted)} ${y(0)}V${y(at.refused)}H${x(0)}"/><circle class="dot" cx="${x(at.accepted)}" cy="${y(at.refused)}" r="4.5"><title>accepted ${(at.accepted * 100).toFixed(1)} %, refused ${(at.refused * 100).toFixed(1)} %</title></circle>`;
  return frame({ title: 'Out of scope: refused, by accepted in scope', across: 'accepted of texts in scope, %', up: 'refused of texts out of scope, %' }, `<polyline class="curve" points="${line}"/>${mark}`);
}

/** A share and its 95 % interval, from 0 to 1. */
export function intervalPlot(share: number, { low, high }: Interval): string {
  const at = (value: number): string => (2 + value * 156).toFixed(1);
  return `<svg viewBox="0 0 160 14" aria-hidden="true"><path class="axis" d="M2 7H158"/><path class="range" d="M${at(low)} 7H${at(high)}"/><circle class="dot" cx="${at(share)}" cy="7" r="3.5"/></svg>`;
}
