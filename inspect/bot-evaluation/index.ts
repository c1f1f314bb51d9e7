/** Training and evaluation of bots and datasets, as commands use them. */
export { readDataset, type Dataset } from './dataset.js';
export { evaluateBot, evaluateDataset, type Evaluation } from './evaluate.js';
export { htmlReport } from './html/report.js';
export { trainBot, type Training } from './train.js';
