/**
 * The first training of bots, in a process of its own: the memory that it takes would stay with the pipeline for as long as
 * that runs. A note beside the models says which ones a version has, so that a later start knows without reading examples.
 * All of it saves memory and time only: what is not there when a stage needs it is trained there.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Logger } from '../../platform/observability/logger.js';
import { packageVersion } from '../../platform/package-root.js';
import { makeFolder } from '../../platform/make-folder.js';
import type { Bot } from '../../processors/bot/index.js';
import { trainInto, type ModelCache } from '../../processors/intent/index.js';
import { ChildJobs } from './child-job.js';

export interface TrainJob {
  /** The folder of bots. */
  readonly root: string;
  /** Folder of the model cache. */
  readonly models: string;
}

interface Note { readonly program: string; readonly models: readonly string[] }

const noteOf = (models: string, version: string): string => join(models, `${version}.trained`);
const modelOf = (models: string, id: string): string => join(models, `${id}.model`);

/** True when this program has trained the version, and its models are still there. */
export function isTrained(models: string, version: string): boolean {
  try {
    const note = JSON.parse(readFileSync(noteOf(models, version), 'utf8')) as Note;
    return note.program === packageVersion() && note.models.every((id) => existsSync(modelOf(models, id)));
  } catch {
    return false;
  }
}

/** Trains what the cache does not have, and writes the notes. */
export function trainAll(bots: readonly Bot[], models: string, cache: ModelCache): void {
  for (const bot of bots) {
    const used = new Set<string>();
    trainInto(bot, {
      get: (id) => { const found = cache.get(id); if (found !== undefined) used.add(id); return found; },
      set: (id, bytes) => { used.add(id); cache.set(id, bytes); },
    });
    try {
      makeFolder(models);
      writeFileSync(noteOf(models, bot.version), JSON.stringify({ program: packageVersion(), models: [...used] } satisfies Note));
    } catch { /* A folder that cannot be written: each start trains. */ }
  }
}

/** Begins where nothing was ever trained, beside the rest of the start; anything else is trained once the bots are read. */
export class FirstTraining {
  /** From source the file is .ts, in dist .js. */
  private readonly jobs = new ChildJobs<TrainJob, null>(new URL(`./train-process${extname(import.meta.url)}`, import.meta.url), 'trains bots');
  private readonly ahead: Promise<void> | undefined;

  constructor(private readonly job: TrainJob, private readonly logger: Logger) {
    this.ahead = existsSync(job.models) ? undefined : this.train(false);
  }

  /** Trains these bots unless all of them were. Never throws: what is missing afterwards is trained by who needs it. */
  async ensure(bots: readonly Bot[]): Promise<void> {
    await this.ahead;
    if (!bots.every(({ version }) => isTrained(this.job.models, version))) await this.train(true);
  }

  stop(): void { this.jobs.stop(); }

  private async train(tells: boolean): Promise<void> {
    try {
      await this.jobs.run(this.job);
    } catch (error) {
      // Faulty bots are told by who reads them.
      if (tells) this.logger.warn({ err: error }, 'bots could not be trained in a process of their own; they are trained here');
    }
  }
}
