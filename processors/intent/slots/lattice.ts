/**
 * The best sequence of labels for a text (Viterbi), and how far ahead it is. Labels are "outside" (0) and for each entity
 * "begins" (odd) and "goes on" (the even one behind it), which follows only its own two.
 */

export const OUTSIDE = 0;
export const begins = (entity: number): number => 2 * entity + 1;
export const goesOn = (entity: number): number => 2 * entity + 2;
/** Place of a transition: those that lead to one label stand side by side; `labels` as the label before is the start of the text. */
export const transitionAt = (before: number, label: number, labels: number): number => label * (labels + 1) + before;
export const entityOf = (label: number): number => (label - 1) >> 1;
const isInside = (label: number): boolean => label > 0 && label % 2 === 0;
const NEVER = -1e12;

export class Lattice {
  /** Score of a label for a token, `token * labels + label`. */
  emissions = new Float64Array(0);
  private forward = new Float64Array(0);
  private backward = new Float64Array(0);
  private from = new Int32Array(0);
  best = new Int32Array(0);

  /** @param transitions by `transitionAt` */
  constructor(readonly labels: number, readonly transitions: Float32Array) {}

  /** Room for so many tokens, emissions at 0. */
  reset(tokens: number): void {
    const size = tokens * this.labels;
    if (this.emissions.length < size) {
      this.emissions = new Float64Array(size * 2);
      this.forward = new Float64Array(size * 2);
      this.backward = new Float64Array(size * 2);
      this.from = new Int32Array(size * 2);
      this.best = new Int32Array(tokens * 2);
    } else this.emissions.fill(0, 0, size);
  }

  /** Fills `best`. */
  decode(tokens: number): void {
    const { labels, forward, from, best } = this;
    for (let token = 0; token < tokens; token++) this.advance(token);
    let label = 0;
    const last = (tokens - 1) * labels;
    for (let other = 1; other < labels; other++) if ((forward[last + other] as number) > (forward[last + label] as number)) label = other;
    for (let token = tokens - 1; token >= 0; token--) { best[token] = label; label = from[token * labels + label] as number; }
  }

  private advance(token: number): void {
    const { labels, transitions, forward, from, emissions } = this;
    const row = token * labels;
    if (token === 0) {
      for (let label = 0; label < labels; label++) forward[label] = isInside(label) ? NEVER : (emissions[label] as number) + (transitions[transitionAt(labels, label, labels)] as number);
      return;
    }
    const before = row - labels;
    for (let label = 0; label < labels; label++) {
      const low = isInside(label) ? label - 1 : 0;
      const high = isInside(label) ? label : labels - 1;
      const to = label * (labels + 1);
      let score = -Infinity;
      let origin = low;
      for (let other = low; other <= high; other++) {
        const value = (forward[before + other] as number) + (transitions[to + other] as number);
        if (value > score) { score = value; origin = other; }
      }
      forward[row + label] = score + (emissions[row + label] as number);
      from[row + label] = origin;
    }
  }

  /** After `decode`: how much better the best sequence is than the best one with another label at each token; calls `visit` with it. */
  margins(tokens: number, visit: (token: number, margin: number) => void): void {
    const { labels, forward, backward, best } = this;
    backward.fill(0, (tokens - 1) * labels, tokens * labels);
    for (let token = tokens - 2; token >= 0; token--) this.retreat(token);
    for (let token = 0; token < tokens; token++) {
      const row = token * labels;
      const chosen = best[token] as number;
      let second = -Infinity;
      for (let label = 0; label < labels; label++) if (label !== chosen) second = Math.max(second, (forward[row + label] as number) + (backward[row + label] as number));
      visit(token, (forward[row + chosen] as number) + (backward[row + chosen] as number) - second);
    }
  }

  private retreat(token: number): void {
    const { labels, transitions, backward, emissions } = this;
    const row = token * labels;
    const next = row + labels;
    for (let label = 0; label < labels; label++) {
      let score = -Infinity;
      for (let after = 0; after < labels; after++) {
        if (isInside(after) && label !== after && label !== after - 1) continue;
        score = Math.max(score, (transitions[transitionAt(label, after, labels)] as number) + (emissions[next + after] as number) + (backward[next + after] as number));
      }
      backward[row + label] = score;
    }
  }
}
