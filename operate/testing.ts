/** For tests only: the routes of operators over a log in memory. */
import type { FastifyInstance } from 'fastify';
import type { Authenticator } from '../platform/auth/auth.js';
import { systemClock } from '../platform/clock.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { testServer } from '../platform/http/testing.js';
import { systemRandom } from '../platform/random.js';
import { letterRoutes } from './letters/letter-routes.js';
import { LetterScene } from './letters/testing.js';
import { produceRoutes } from './produce/produce-routes.js';
import { Producer } from './produce/producer.js';

export interface Operations {
  readonly app: FastifyInstance;
  readonly scene: LetterScene;
  /** Asks as a client of this machine, or with other headers and another address. */
  readonly ask: (method: 'GET' | 'POST', url: string, more?: AskOptions) => Promise<{ status: number; body: Record<string, unknown>; headers: Record<string, unknown> }>;
}

export interface AskOptions { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>>; readonly remoteAddress?: string }

export async function operations(t: { after(run: () => void | Promise<void>): void }, authenticator?: Authenticator): Promise<Operations> {
  const log = new MemoryEventLog({ clock: systemClock, random: systemRandom });
  const scene = await LetterScene.over(log);
  const app = testServer(t, { clock: systemClock, ...(authenticator === undefined ? {} : { authenticator }) });
  letterRoutes(app, scene.desk());
  produceRoutes(app, new Producer({ log, codec: scene.codec, clock: systemClock, random: systemRandom, prefix: '', defaultBot: 'parcel' }));
  await app.ready();
  return {
    app, scene,
    ask: async (method, url, { body, headers, remoteAddress = '127.0.0.1' } = {}) => {
      const answer = await app.inject({
        method, url, remoteAddress, headers: { host: '127.0.0.1', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
    },
  };
}
