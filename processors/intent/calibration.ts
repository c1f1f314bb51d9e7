/**
 * The temperature of the confidence: softmax of decision values that tells how often it is right. A handful of held-out texts
 * that all are right would ask for certainty; so, after Platt (1999), part of one text more counts for every label alike.
 */

/** Decision values of a text that the model has not seen, and the column that it belongs to. */
export interface HeldOutDecision { readonly decision: Float64Array; readonly truth: number }

/** Where there is nothing to measure with. */
const USUAL = 0.3;
const STEPS = 60;
/** Golden section. */
const PART = (Math.sqrt(5) - 1) / 2;

/** Between 0.02 and 20 the one with the least surprise over the texts; surprise has one valley. */
export function fitTemperature(texts: readonly HeldOutDecision[]): number {
  if (texts.length === 0) return USUAL;
  let low = Math.log(0.02);
  let high = Math.log(20);
  let left = high - PART * (high - low);
  let right = low + PART * (high - low);
  let atLeft = surprise(texts, Math.exp(left));
  let atRight = surprise(texts, Math.exp(right));
  for (let step = 0; step < STEPS && high - low > 0.005; step++) {
    if (atLeft <= atRight) {
      high = right; right = left; atRight = atLeft;
      left = high - PART * (high - low); atLeft = surprise(texts, Math.exp(left));
    } else {
      low = left; left = right; atLeft = atRight;
      right = low + PART * (high - low); atRight = surprise(texts, Math.exp(right));
    }
  }
  return Math.exp((low + high) / 2);
}

function surprise(texts: readonly HeldOutDecision[], temperature: number): number {
  const doubt = 1 / (texts.length + 2);
  let loss = 0;
  for (const { decision, truth } of texts) {
    const own = decision[truth] as number;
    let most = 0;
    for (let column = 0; column < decision.length; column++) most = Math.max(most, (decision[column] as number) - own);
    let sum = 0;
    let lead = 0;
    for (let column = 0; column < decision.length; column++) {
      const over = (decision[column] as number) - own;
      sum += Math.exp((over - most) / temperature);
      lead -= over;
    }
    loss += Math.log(sum) + (most + doubt * lead / decision.length) / temperature;
  }
  return loss;
}
