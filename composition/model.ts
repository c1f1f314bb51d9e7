/** The language model of a process with what it stands on: search, budget, the way to the sockets; each by what there is. */
import { defined, elasticsearchOptions } from './settings.js';
import { MiniSearchStore } from '../platform/knowledge-index/minisearch.js';
import type { KnowledgeStore } from '../platform/knowledge-index/knowledge-index.js';
import type { LanguageModel } from '../platform/language-model/language-model.js';
import type { LiveBus } from '../platform/live-bus/live-bus.js';
import { MemoryTokenBudget } from '../platform/token-budget/memory.js';
import type { TokenBudget } from '../platform/token-budget/token-budget.js';
import { ModelResponder } from '../processors/effects/model/responder.js';
import { topicName } from '../topology/topology.js';
import { redisPrefix } from './infrastructure.js';
import type { Infrastructure } from './process.js';

export interface OpenModel {
  readonly responder: ModelResponder;
  close(): Promise<void>;
}

export async function openModel(infrastructure: Infrastructure): Promise<OpenModel> {
  const { config, clock, random, logger, metrics } = infrastructure;
  const [model, knowledge, budget, live] = await Promise.all([languageModel(infrastructure), knowledgeStore(infrastructure), tokenBudget(infrastructure), liveBus(infrastructure)]);
  const { tenantTokens, tenantWindow, concurrency } = config.model;
  const responder = new ModelResponder({
    model, knowledge, knowledgeFallback: knowledge.kind === 'memory' ? knowledge : new MiniSearchStore(), budget, live, clock, random, logger, metrics, concurrency,
    tenantTokens: tenantTokens === undefined ? undefined : { limit: tenantTokens, perMillis: tenantWindow },
  });
  return { responder, close: async () => { await model?.close(); await knowledge.close(); await live.close(); } };
}

async function languageModel({ config }: Infrastructure): Promise<LanguageModel | undefined> {
  const { url, name, key } = config.model;
  if (url === undefined || name === undefined) return undefined;
  const { OpenAiModel } = await import('../platform/language-model/openai.js');
  return new OpenAiModel({ url, model: name, key: () => key?.revealFresh() });
}

async function knowledgeStore({ config }: Infrastructure): Promise<KnowledgeStore> {
  const options = elasticsearchOptions(config);
  if (options === undefined || config.model.url === undefined) return new MiniSearchStore();
  const { ElasticsearchStore } = await import('../platform/knowledge-index/elasticsearch.js');
  return new ElasticsearchStore({ ...options, prefix: `confab-${config.pipeline.prefix}` });
}

async function tokenBudget({ config, clock, logger, redis }: Infrastructure): Promise<TokenBudget> {
  const memory = new MemoryTokenBudget(clock);
  if (redis === undefined) return memory;
  const { RedisTokenBudget } = await import('../platform/token-budget/redis.js');
  return new RedisTokenBudget(redis, { logger, meanwhile: memory, ...defined({ prefix: redisPrefix(config) }) });
}

async function liveBus({ config, log, redis, live }: Infrastructure): Promise<LiveBus> {
  if (redis === undefined) return live;
  const { RedisLiveBus } = await import('../platform/live-bus/redis.js');
  const { partitions } = await log.topic(topicName(config.pipeline.prefix, 'messages.v1'));
  return new RedisLiveBus(redis, { prefix: redisPrefix(config), partitions });
}
