/**
 * What a process follows of roll-outs: stages the bots and their flags, ingress which bots there are, egress what all nodes
 * say. Everything that is on the log is read before the process is ready.
 */
import { hostname } from 'node:os';
import type { NodeStatus } from '../../operate/rollout/node-status.js';
import { RolloutTable } from '../../operate/rollout/rollout-table.js';
import { SettingsTable } from '../../operate/rollout/settings-table.js';
import { ConfabError } from '../../platform/errors.js';
import type { Component } from '../../platform/lifecycle.js';
import { MemoryNodeBoard } from '../../platform/node-board/memory.js';
import type { NodeBoard } from '../../platform/node-board/node-board.js';
import { ulidMaker } from '../../platform/random.js';
import type { Bots, SwappableBots } from '../../processors/bot/index.js';
import type { BotVersion, Setting } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import type { FirstTraining } from '../bots/first-training.js';
import { modelsFolder, openBots } from '../bots/open.js';
import { redisPrefix } from '../infrastructure.js';
import type { Infrastructure, Role } from '../process.js';
import { BotRollout } from './bot-rollout.js';
import { Heartbeat } from './heartbeat.js';
import { preparer } from './prepare.js';
import { TopicFollow } from './topic-follow.js';

export interface NodeRollout {
  /** Where a stage needs them. */
  readonly bots: Bots | undefined;
  readonly settings: SettingsTable;
  readonly board: NodeBoard;
  /** Whether the log has deployed a bot of that id. */
  readonly deployed: (botId: string) => boolean;
}

export interface OpenedRollout { readonly rollout: NodeRollout; readonly components: readonly Component[] }

type Parts = Omit<Infrastructure, 'rollout'>;
interface Follows { bots?: TopicFollow<BotVersion>; settings?: TopicFollow<Setting> }

/** @throws CONFAB_BOT_INVALID; CONFAB_BOT_UNKNOWN the default bot is neither in the files nor on the log; CONFAB_LOG_UNAVAILABLE */
export async function openRollout(parts: Parts, roles: ReadonlySet<Role>, training: FirstTraining | undefined): Promise<OpenedRollout> {
  const board = await boardOf(parts);
  const table = new RolloutTable(roles.has('intent'));
  const settings = new SettingsTable();
  const runs = roles.has('intent') || roles.has('dialogue');
  const files = runs ? await openBots(parts, training) : undefined;
  const components: Component[] = [...files?.components ?? []];
  const parted = files === undefined ? undefined : botRollout(parts, roles, table, files.bots);
  const follows: Follows = {};
  try {
    if (runs || roles.has('ingress') || roles.has('egress')) follows.bots = await followBots(parts, table, parted?.rollout);
    if (roles.has('dialogue') || roles.has('egress')) follows.settings = await followSettings(parts, settings);
    await parted?.rollout.settled();
    if (files !== undefined) checkDefault(parts, files.bots);
  } catch (error) {
    parted?.stop();
    for (const component of components) await component.stop?.();
    throw error;
  }
  const heartbeat = new Heartbeat({ ...parts, board, node: ulidMaker(parts.clock, parts.random)(), status: () => statusOf(parts, roles, follows, parted?.rollout) });
  if (parted !== undefined) parted.hear(() => { heartbeat.beat(); });
  components.push({
    name: 'rollout',
    start: () => { follows.bots?.start(); follows.settings?.start(); if (follows.bots !== undefined) heartbeat.start(); },
    stop: async () => { await follows.bots?.close(); await follows.settings?.close(); parted?.stop(); await parted?.rollout.close(); await heartbeat.close(); },
  });
  return { rollout: { bots: files?.bots, settings, board, deployed: (botId) => table.plan(botId) !== undefined }, components };
}

async function boardOf({ redis, config }: Parts): Promise<NodeBoard> {
  if (redis === undefined) return new MemoryNodeBoard();
  const { RedisNodeBoard } = await import('../../platform/node-board/redis.js');
  return new RedisNodeBoard(redis, { prefix: redisPrefix(config) });
}

function botRollout(parts: Parts, roles: ReadonlySet<Role>, table: RolloutTable, bots: SwappableBots): { rollout: BotRollout; stop: () => void; hear: (changed: () => void) => void } {
  const jobs = preparer();
  let changed = (): void => undefined;
  const rollout = new BotRollout({
    ...parts, table, bots, changed: () => { changed(); },
    prepare: (versions) => jobs.run({ models: modelsFolder(parts), train: roles.has('intent'), versions }),
  });
  return { rollout, stop: () => { jobs.stop(); }, hear: (listener) => { changed = listener; } };
}

async function followBots(parts: Parts, table: RolloutTable, rollout: BotRollout | undefined): Promise<TopicFollow<BotVersion>> {
  const follow = new TopicFollow<BotVersion>({
    ...parts, codec: parts.codec.of('BotVersion'), topic: topicName(parts.config.pipeline.prefix, 'bots.v1'), anew: () => { rollout?.touch(table.clear()); },
    take: (records) => { const touched = records.map(({ key, value, offset }) => table.apply(key, value, offset)); rollout?.touch(new Set(touched.filter((botId) => botId !== undefined))); },
  });
  await follow.prime();
  return follow;
}

async function followSettings(parts: Parts, settings: SettingsTable): Promise<TopicFollow<Setting>> {
  const follow = new TopicFollow<Setting>({
    ...parts, codec: parts.codec.of('Setting'), topic: topicName(parts.config.pipeline.prefix, 'settings.v1'), anew: () => { settings.clear(); },
    take: (records) => { for (const { key, value } of records) if (settings.apply(key, value)) parts.logger.info({ setting: key }, 'a setting has changed'); },
  });
  await follow.prime();
  return follow;
}

function checkDefault({ config: { pipeline: { defaultBot, botsDir } } }: Parts, bots: Bots): void {
  if (bots.versions(defaultBot).length > 0) return;
  throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `CONFAB_DEFAULT_BOT is ${defaultBot}; ${botsDir} has ${[...new Set(bots.all().map(({ id }) => id))].join(', ') || 'none'}, and none of that name is deployed.` });
}

function statusOf({ config }: Parts, roles: ReadonlySet<Role>, follows: Follows, rollout: BotRollout | undefined): NodeStatus {
  return {
    roles: config.roles.length === 0 ? ['all'] : [...roles], host: hostname(), pid: process.pid,
    botsRead: follows.bots?.position ?? 0, settingsRead: follows.settings?.position ?? 0, bots: rollout?.statuses() ?? [],
  };
}
