/** The bots of a process from its files: fixed, or, where one process is everything, exchanged when they change. */
import { join } from 'node:path';
import type { Component } from '../../platform/lifecycle.js';
import { loadBots, SwappableBots, type Bot } from '../../processors/bot/index.js';
import type { Base } from '../infrastructure.js';
import { FirstTraining } from './first-training.js';
import { HotBots } from './hot-bots.js';

export interface OpenedBots {
  readonly bots: SwappableBots;
  /** What watches their files. */
  readonly components: readonly Component[];
}

/** Folder of the trained models, which any process may make again. */
export const modelsFolder = ({ config }: Base): string => join(config.pipeline.dataDir, 'models');

/**
 * Undefined from source: there a process begins with compiling the program, which takes longer than to train. Models of
 * deployed bots are made where those are made ready.
 */
export function firstTraining(base: Base): FirstTraining | undefined {
  return import.meta.url.endsWith('.ts') ? undefined : new FirstTraining({ root: base.config.pipeline.botsDir, models: modelsFolder(base) }, base.logger);
}

/** @param training where intents are found: then the models are there afterwards. @throws CONFAB_BOT_INVALID */
export async function openBots(base: Base, training: FirstTraining | undefined): Promise<OpenedBots> {
  const { config, clock, logger } = base;
  const { botsDir: root, botsReload } = config.pipeline;
  // On Kafka every process must use the same bots: there they change by a roll-out.
  const hot = botsReload && config.roles.length === 0 && config.kafka.brokers === undefined;
  const models = modelsFolder(base);
  const load = async (folder: string): Promise<readonly Bot[]> => {
    const bots = await loadBots(folder);
    await training?.ensure(bots);
    return bots;
  };
  if (!hot) return { bots: new SwappableBots(await load(root)), components: [] };
  const watched = await HotBots.open({ root, models, load, clock, logger });
  return { bots: watched.bots, components: [watched] };
}
