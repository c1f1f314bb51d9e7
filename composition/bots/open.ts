/** The bots of a process from its files: fixed, or, where one process is everything, exchanged when they change. */
import { join } from 'node:path';
import type { Component } from '../../platform/lifecycle.js';
import { loadBots, SwappableBots } from '../../processors/bot/index.js';
import type { Base } from '../infrastructure.js';
import { HotBots } from './hot-bots.js';

export interface OpenedBots {
  readonly bots: SwappableBots;
  /** What watches their files. */
  readonly components: readonly Component[];
}

/** Folder of the trained models, which any process may make again. */
export const modelsFolder = ({ config }: Base): string => join(config.pipeline.dataDir, 'models');

/** @throws CONFAB_BOT_INVALID */
export async function openBots(base: Base): Promise<OpenedBots> {
  const { config, clock, logger } = base;
  const { botsDir: root, botsReload } = config.pipeline;
  // On Kafka every process must use the same bots: there they change by a roll-out.
  const hot = botsReload && config.roles.length === 0 && config.kafka.brokers === undefined;
  if (!hot) return { bots: new SwappableBots(await loadBots(root)), components: [] };
  const watched = await HotBots.open({ root, models: modelsFolder(base), load: loadBots, clock, logger });
  return { bots: watched.bots, components: [watched] };
}
