/** Makes deployed versions ready: unpacks, checks and trains them, away from the pipeline. Plain data in, plain data out. */
import { extname } from 'node:path';
import { unpackModels } from '../../operate/rollout/model-parts.js';
import { unpackFiles } from '../../operate/rollout/pack.js';
import { toConfabError } from '../../platform/errors.js';
import { checkFiles, type Bot } from '../../processors/bot/index.js';
import { trainInto, type ModelCache } from '../../processors/intent/index.js';
import { ChildJobs } from '../bots/child-job.js';

export interface PackedVersion {
  readonly botId: string;
  readonly version: string;
  readonly files: Uint8Array;
  /** Parts of the models that came with it. */
  readonly models: readonly Uint8Array[];
}

export type PreparedVersion = Pick<PackedVersion, 'botId' | 'version'> & ({ readonly bot: Bot } | { readonly refused: string });

export interface PrepareJob {
  /** Folder of the model cache. */
  readonly models: string;
  /** Where intents are found a model is needed; elsewhere not. */
  readonly train: boolean;
  readonly versions: readonly PackedVersion[];
}

/** Never throws: what is wrong with a version is what became of it. */
export function prepareVersion({ botId, version, files, models: parts }: PackedVersion, models: ModelCache | undefined): PreparedVersion {
  try {
    const { bot, faults } = checkFiles(unpackFiles(files));
    if (bot === undefined) { const [first] = faults; return { botId, version, refused: first === undefined ? 'it is faulty' : `${first.file}:${first.line}:${first.column}: ${first.reason}` }; }
    if (bot.id !== botId) return { botId, version, refused: `its files are those of the bot "${bot.id}"` };
    if (bot.version !== version) return { botId, version, refused: `its files are those of the version ${bot.version}: this program reads them otherwise, or they were damaged` };
    if (models !== undefined) { takeModels(parts, models); trainInto(bot, models); }
    return { botId, version, bot };
  } catch (error) {
    return { botId, version, refused: toConfabError(error).detail };
  }
}

/** What came with a version is as if it had been trained here; a model says itself what it is of, and is not used for anything else. */
function takeModels(parts: readonly Uint8Array[], models: ModelCache): void {
  try {
    for (const { id, bytes } of unpackModels(parts)) if (models.get(id) === undefined) models.set(id, Buffer.from(bytes));
  } catch { /* Not whole, or of another program: it is trained here. */ }
}

/** From source the file is .ts, in dist .js. */
export const preparer = (): ChildJobs<PrepareJob, readonly PreparedVersion[]> => new ChildJobs(new URL(`./prepare-process${extname(import.meta.url)}`, import.meta.url), 'makes bots ready');
