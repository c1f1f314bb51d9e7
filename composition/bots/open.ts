/** The bots of a process: fixed, or, where one process is everything, exchanged when their files change. */
import { join } from 'node:path';
import { ConfabError } from '../../platform/errors.js';
import type { Component } from '../../platform/lifecycle.js';
import { fixedBots, loadBots, type Bot, type Bots } from '../../processors/bot/index.js';
import type { Base } from '../infrastructure.js';
import { HotBots } from './hot-bots.js';

export interface OpenedBots {
  readonly bots: Bots;
  /** What watches their files. */
  readonly components: readonly Component[];
}

/** Folder of the trained models, which any process may make again. */
export const modelsFolder = ({ config }: Base): string => join(config.pipeline.dataDir, 'models');

/** @throws CONFAB_BOT_INVALID, CONFAB_BOT_UNKNOWN the default bot is missing */
export async function openBots(base: Base): Promise<OpenedBots> {
  const { config, clock, logger } = base;
  const { botsDir: root, botsReload, defaultBot } = config.pipeline;
  const load = async (folder: string): Promise<readonly Bot[]> => {
    const bots = await loadBots(folder);
    if (bots.some(({ id }) => id === defaultBot)) return bots;
    throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `CONFAB_DEFAULT_BOT is ${defaultBot}; ${folder} has ${bots.map(({ id }) => id).join(', ') || 'none'}.` });
  };
  // On Kafka every process must use the same bots: there they change by a roll-out.
  const hot = botsReload && config.roles.length === 0 && config.kafka.brokers === undefined;
  if (!hot) return { bots: fixedBots(await load(root)), components: [] };
  const watched = await HotBots.open({ root, models: modelsFolder(base), load, clock, logger });
  return { bots: watched.bots, components: [watched] };
}
