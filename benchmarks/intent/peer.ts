/** nlp.js (`node-nlp`), trained with the same texts in the same process, with the options of its guide. */
import { createRequire } from 'node:module';
import { median } from '../lib/benchmark.js';
import type { Labelled } from './corpora.js';

interface Manager {
  addDocument(language: string, text: string, intent: string): void;
  train(): Promise<void>;
  process(language: string, text: string): Promise<{ readonly intent: string; readonly score: number }>;
}

export interface PeerResult { readonly accuracy: number; readonly median: number; readonly trainMillis: number }

/** Its own name for a text of no intent. */
const NONE = 'None';

export async function runPeer(training: readonly Labelled[], test: readonly Labelled[]): Promise<PeerResult> {
  const { NlpManager } = createRequire(import.meta.url)('node-nlp') as { readonly NlpManager: new (options: object) => Manager };
  const manager = new NlpManager({ languages: ['en'], autoSave: false, autoLoad: false, forceNER: false, nlu: { log: false } });
  for (const { text, label } of training) manager.addDocument('en', text, label ?? NONE);
  const start = performance.now();
  await manager.train();
  const trainMillis = performance.now() - start;
  const times: number[] = [];
  let right = 0;
  for (const { text, label } of test) {
    const before = performance.now();
    const { intent } = await manager.process('en', text);
    times.push((performance.now() - before) * 1000);
    if (intent === label) right += 1;
  }
  return { accuracy: right / test.length, median: median(times.slice(times.length >> 1)), trainMillis };
}
