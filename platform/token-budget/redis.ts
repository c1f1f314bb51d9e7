/** Token budget of all processes, in Redis: a counter that expires with its window. */
import type { Logger } from '../observability/logger.js';
import type { RedisConnection } from '../redis/redis.js';
import type { MemoryTokenBudget } from './memory.js';
import type { Allowance, TokenBudget } from './token-budget.js';

/** Counts when it fits; a new counter gets the length of the window. */
const TAKE = `
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return 0 end
redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1`;

/** Never below nothing, and never a counter without an end. */
const CORRECT = `
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local now = math.max(0, used + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], now, 'KEEPTTL')
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return now`;

interface Scripts {
  confabTokensTake(key: string, ...args: string[]): Promise<number>;
  confabTokensCorrect(key: string, ...args: string[]): Promise<number>;
}

export interface RedisTokenBudgetOptions {
  readonly prefix?: string;
  readonly logger: Logger;
  /** Counts while Redis is away. */
  readonly meanwhile: MemoryTokenBudget;
}

export class RedisTokenBudget implements TokenBudget {
  private readonly scripts: Scripts;
  private away = false;

  constructor(private readonly redis: RedisConnection, private readonly options: RedisTokenBudgetOptions) {
    redis.client.defineCommand('confabTokensTake', { numberOfKeys: 1, lua: TAKE });
    redis.client.defineCommand('confabTokensCorrect', { numberOfKeys: 1, lua: CORRECT });
    this.scripts = redis.client as unknown as Scripts;
  }

  take(allowance: Allowance, tokens: number): Promise<boolean> {
    return this.attempt(
      async () => await this.scripts.confabTokensTake(this.key(allowance), `${tokens}`, `${allowance.limit}`, `${allowance.perMillis}`) === 1,
      () => this.options.meanwhile.take(allowance, tokens),
    );
  }

  async correct(allowance: Allowance, tokens: number): Promise<void> {
    await this.attempt(
      async () => { await this.scripts.confabTokensCorrect(this.key(allowance), `${tokens}`, `${allowance.perMillis}`); },
      () => this.options.meanwhile.correct(allowance, tokens),
    );
  }

  private key({ name, perMillis }: Allowance): string { return `${this.options.prefix ?? ''}tokens:${perMillis}:${name}`; }

  private async attempt<T>(work: () => Promise<T>, meanwhile: () => Promise<T>): Promise<T> {
    try {
      const result = await this.redis.call('CONFAB_STATE_UNAVAILABLE', work);
      this.away = false;
      return result;
    } catch (thrown) {
      if (!this.away) this.options.logger.warn({ err: thrown }, 'tokens are counted by this process alone until Redis is back');
      this.away = true;
      return meanwhile();
    }
  }
}
