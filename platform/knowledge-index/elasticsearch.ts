/**
 * Knowledge index in Elasticsearch: an index for each version of a bot, made by whoever searches it first. Several processes
 * may make it at once: the documents have the same ids and contents. It says that it is whole in its mapping; one that is not
 * is filled again, and one that somebody deleted comes back at the next search.
 */
import { Client, errors, type ClientOptions } from '@elastic/elasticsearch';
import { ConfabError } from '../errors.js';
import type { IndexedPassage, KnowledgeIndex, KnowledgeStore } from './knowledge-index.js';
import { wordsOf } from './words.js';

export interface ElasticsearchOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly apiKey?: string;
  /** Certificates that sign the cluster's. */
  readonly ca?: string;
  readonly timeoutMillis: number;
  /** Put before the names of indexes. */
  readonly prefix: string;
}

const CHUNK = 500;

export class ElasticsearchStore implements KnowledgeStore {
  readonly kind = 'elasticsearch';
  private readonly client: Client;

  constructor(private readonly options: ElasticsearchOptions) {
    this.client = new Client(clientOptions(options));
  }

  open(name: string, passages: readonly IndexedPassage[]): KnowledgeIndex {
    return new Index(this.client, `${this.options.prefix}knowledge-${name}`.toLowerCase(), passages);
  }

  close(): Promise<void> { return this.client.close(); }
}

function clientOptions({ url, username, password, apiKey, ca, timeoutMillis }: ElasticsearchOptions): ClientOptions {
  const auth = apiKey !== undefined ? { apiKey } : username !== undefined ? { username, password: password ?? '' } : undefined;
  return { node: url, requestTimeout: timeoutMillis, maxRetries: 1, ...(auth === undefined ? {} : { auth }), ...(ca === undefined ? {} : { tls: { ca } }) };
}

class Index implements KnowledgeIndex {
  private making: Promise<void> | undefined;

  constructor(private readonly client: Client, private readonly name: string, private readonly passages: readonly IndexedPassage[]) {}

  async search(words: readonly string[], most: number, signal: AbortSignal): Promise<readonly number[]> {
    signal.throwIfAborted();
    try {
      await abortable(this.ready(), signal);
      return await this.find(words, most, signal).catch(async (thrown: unknown) => {
        if (!isMissing(thrown)) throw thrown;
        this.making = undefined;
        await abortable(this.ready(), signal);
        return this.find(words, most, signal);
      });
    } catch (thrown) {
      signal.throwIfAborted();
      throw new ConfabError('CONFAB_KNOWLEDGE_UNAVAILABLE', { detail: `Elasticsearch failed: ${reasonOf(thrown)}.` });
    }
  }

  private async find(words: readonly string[], most: number, signal: AbortSignal): Promise<number[]> {
    const found = await this.client.search({
      index: this.name, size: most, _source: false, track_total_hits: false,
      query: { multi_match: { query: words.join(' '), fields: ['title^2', 'text'], type: 'most_fields', fuzziness: 'AUTO:5,9', max_expansions: 50 } },
    }, { signal });
    return found.hits.hits.map(({ _id: id }) => Number(id)).filter((id) => id >= 0 && id < this.passages.length);
  }

  /** One attempt for all that wait; a failed one is made again by the next search. */
  private ready(): Promise<void> {
    this.making ??= this.make().catch((thrown: unknown) => { this.making = undefined; throw thrown; });
    return this.making;
  }

  private async make(): Promise<void> {
    const { client, name: index } = this;
    const complete = `${this.passages.length}`;
    try {
      const mapping = await client.indices.getMapping({ index });
      if (mapping[index]?.mappings._meta?.complete === complete) return;
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      await client.indices.create({
        index, settings: { number_of_shards: 1, auto_expand_replicas: '0-1' },
        mappings: { dynamic: false, properties: { title: { type: 'text', analyzer: 'whitespace' }, text: { type: 'text', analyzer: 'whitespace' } } },
      }).catch((second: unknown) => { if (!exists(second)) throw second; });
    }
    for (let at = 0; at < this.passages.length; at += CHUNK) {
      // Words are cut and folded here, so that both adapters find by the same ones, in scripts without blanks too.
      const operations = this.passages.slice(at, at + CHUNK).flatMap(({ title, text }, i) => [{ index: { _id: `${at + i}` } }, { title: wordsOf(title).join(' '), text: wordsOf(text).join(' ') }]);
      const { errors: failed } = await client.bulk({ index, operations });
      if (failed) throw new Error('some passages were refused');
    }
    await client.indices.refresh({ index });
    await client.indices.putMapping({ index, _meta: { complete } });
  }
}

const typeOf = (thrown: unknown): string => {
  const body = thrown instanceof errors.ResponseError ? thrown.body as { error?: { type?: unknown } } | undefined : undefined;
  return typeof body?.error?.type === 'string' ? body.error.type : '';
};
const isMissing = (thrown: unknown): boolean => typeOf(thrown) === 'index_not_found_exception';
const exists = (thrown: unknown): boolean => typeOf(thrown) === 'resource_already_exists_exception';

/** Without the request, which holds what people asked. */
function reasonOf(thrown: unknown): string {
  const type = typeOf(thrown);
  if (type !== '') return type;
  return thrown instanceof errors.ConnectionError ? 'no connection' : thrown instanceof errors.TimeoutError ? 'it did not answer in time' : thrown instanceof Error ? thrown.name : 'unknown';
}

/** Settles as `work` does, or rejects when the signal aborts first; the work goes on. */
function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => { reject(signal.reason as Error); };
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', aborted); });
  });
}
