/** Labelled texts of `../shared/corpora` and of folders of the same form: `text<TAB>label` a line. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchmarkError } from '../lib/benchmark.js';

export interface Labelled {
  readonly text: string;
  /** null: out of scope. */
  readonly label: string | null;
}

const OUT_OF_SCOPE: ReadonlySet<string> = new Set(['oos', 'None', 'NO_NODES_DETECTED']);

const HOW_TO_GET = `The corpora lie outside of the project, for their licences. Make a folder with these and name it with --corpora:
  clinc150        train.tsv val.tsv test.tsv oos_train.tsv oos_val.tsv oos_test.tsv (data_full.json of github.com/clinc/oos-eval, CC BY 3.0),
                  train_5.tsv train_10.tsv (github.com/jianguoz/Few-Shot-Intent-Detection)
  banking77       train.tsv test.tsv (github.com/PolyAI-LDN/task-specific-datasets, CC BY 4.0), train_5.tsv train_10.tsv (as above)
  snips           train.tsv test.tsv (github.com/sonos/nlu-benchmark, 2017-06, train_*_full and validate_*, CC0)
  chatbot, askubuntu, webapplications   train.tsv test.tsv (github.com/sebischair/NLU-Evaluation-Corpora, CC BY-SA 3.0)
  xsid/en, xsid/it, xsid/id, xsid/nl    train.tsv (its valid set) test.tsv (github.com/mainlp/xsid 0.7, CC BY-SA 4.0)
Each file: UTF-8, one "text<TAB>label" a line. --only runs the parts that are there.`;

export class Corpora {
  constructor(private readonly folder: string) {
    if (!existsSync(folder)) throw new BenchmarkError(`there is no folder ${folder}.\n${HOW_TO_GET}`);
  }

  read(file: string): Labelled[] {
    let whole;
    try { whole = readFileSync(join(this.folder, `${file}.tsv`), 'utf8'); } catch { throw new BenchmarkError(`${file}.tsv cannot be read in ${this.folder}.\n${HOW_TO_GET}`); }
    return whole.split('\n').filter((line) => line.includes('\t')).map((line) => {
      const tab = line.lastIndexOf('\t');
      const label = line.slice(tab + 1).trim();
      return { text: line.slice(0, tab), label: OUT_OF_SCOPE.has(label) ? null : label };
    });
  }

  inScope(file: string): Labelled[] {
    return this.read(file).filter(({ label }) => label !== null);
  }
}
