/**
 * One installation under torture: brokers, Redis and the processes of each role, started, hurt and ended here.
 *
 * Clients of the log stand in two zones. Each zone has its own way (proxies) to each broker and to Redis, so that one process
 * of a role may be cut off while the other is not.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Brokers } from './brokers.js';
import { botSettings, layBots } from './bots.js';
import { buildProgram } from './build.js';
import { Node, ROLES, type Role } from './node.js';
import { freePort, Redis } from './redis.js';
import { Rollouts } from './rollouts.js';
import { pause } from './wait.js';

export const ZONES = 2;
const PREFIX = 'torture.';
/** How long the first processes may take to be ready: a loaded machine is slow. */
const START = 180_000;
/** When none has ever been ready, more starts are of no use. */
const MOST_FAILED = 5;
/** An orchestrator restarts a process that ended after this. */
const RESTART = 1_000;

export interface InstallationOptions {
  readonly folder: string;
  readonly partitions: number;
  /** Draws what the proxies do. */
  readonly random: () => number;
  /** Of the server that bots call. */
  readonly origin: string;
}

export class Installation {
  readonly nodes: Node[] = [];
  readonly prefix = PREFIX;
  /** Ended by themselves after they had been ready, and before: with what and when. */
  readonly crashes: string[] = [];
  readonly failedStarts: string[] = [];
  readonly rollouts: Rollouts;
  private started = 0;
  private closing = false;

  private constructor(readonly options: InstallationOptions, readonly program: string, readonly brokers: Brokers, readonly redis: Redis) {
    this.rollouts = new Rollouts({ program, folder: options.folder, env: () => this.environment() });
  }

  static async start(options: InstallationOptions): Promise<Installation> {
    const { folder, random } = options;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    layBots(join(folder, 'bots'), options.origin);
    const starts = await Promise.allSettled([buildProgram(join(folder, 'dist')), Brokers.start(join(folder, 'kafka'), ZONES, random), Redis.start(join(folder, 'redis'), ZONES, random)] as const);
    const [program, brokers, redis] = starts;
    if (program.status === 'fulfilled' && brokers.status === 'fulfilled' && redis.status === 'fulfilled') return new Installation(options, program.value, brokers.value, redis.value);
    for (const server of [brokers, redis]) if (server.status === 'fulfilled') await server.value.close();
    throw starts.find((each) => each.status === 'rejected')?.reason;
  }

  get partitions(): number { return this.options.partitions; }
  get folder(): string { return this.options.folder; }

  of(role: Role): Node[] { return this.nodes.filter((node) => node.role === role && node.alive); }

  /** Where clients of the edge may go: processes that have been ready. A stopped one stays in the list, as in an address that was handed out. */
  doors(role: 'ingress' | 'egress'): Node[] { return this.of(role).filter(({ wasReady }) => wasReady); }

  async add(role: Role, zone: number): Promise<Node> {
    this.started += 1;
    const name = `${String(this.started).padStart(3, '0')}-${role}-zone${zone}`;
    const node = new Node({
      name, role, zone, port: await freePort(), program: this.program, log: join(this.folder, `${name}.log`),
      env: { ...this.environment(this.brokers.addresses(zone), this.redis.url(zone)), CONFAB_LOG_LEVEL: 'info', CONFAB_LOG_FORMAT: 'json' },
    });
    this.nodes.push(node);
    void node.exited.then(() => this.supervise(node));
    // Whoever started it: clients are sent to it once it is ready.
    void node.ready(Infinity);
    return node;
  }

  /** What an orchestrator does: a process that ended by itself is started again. */
  private async supervise(node: Node): Promise<void> {
    if (this.closing || node.diedOf === undefined) return;
    (node.wasReady ? this.crashes : this.failedStarts).push(`${node.name} ended with ${node.diedOf}`);
    await pause(RESTART);
    if (!this.closing) await this.add(node.role, node.zone);
  }

  /** One process of each role in each zone. The first makes the topics. */
  async populate(processes: number): Promise<void> {
    await this.rollouts.begin();
    await this.add('ingress', 0);
    await this.allReady(START);
    for (const role of ROLES) for (let i = this.of(role).length; i < processes; i += 1) await this.add(role, i % ZONES);
    await this.allReady(START);
  }

  /** Waits until every process is ready, those that had to be started again included. */
  async allReady(millis: number): Promise<void> {
    for (const end = performance.now() + millis; ; await pause(200)) {
      const alive = this.nodes.filter(({ alive }) => alive);
      const ready = await Promise.all(alive.map((node) => node.isReady()));
      const late = alive.filter((_, i) => ready[i] !== true).map(({ name }) => name);
      if (late.length === 0 && alive.length > 0) return;
      if (this.failedStarts.length >= MOST_FAILED && !this.nodes.some(({ wasReady }) => wasReady)) throw new Error(`no process starts; ${this.failedStarts.at(-1) ?? ''}: ${lastLine(this.nodes[0]?.log ?? '')}`);
      if (performance.now() > end) throw new Error(`not ready within ${millis / 1000} s: ${late.join(', ')}`);
    }
  }

  /** Settings of the program: by a zone's proxies, or directly for a command. */
  environment(brokers = this.brokers.direct.join(','), redis?: string): Record<string, string> {
    return {
      ...botSettings(join(this.folder, 'bots'), this.options.origin),
      CONFAB_KAFKA_BROKERS: brokers, CONFAB_PREFIX: this.prefix, CONFAB_PARTITIONS: String(this.partitions), CONFAB_DATA_DIR: join(this.folder, 'data'),
      ...(redis === undefined ? {} : { CONFAB_REDIS_URL: redis }),
    };
  }

  /** Every rule of every proxy ends, and every process goes on. */
  heal(): void {
    for (const node of this.nodes) if (node.alive) node.signal('SIGCONT');
    for (let zone = 0; zone < ZONES; zone += 1) for (const link of [...this.brokers.links(zone), this.redis.links[zone]]) link?.heal();
    this.redis.signal('SIGCONT');
  }

  /** For the end of this process, when there is no time to wait. */
  killAll(): void {
    this.closing = true;
    for (const node of this.nodes) if (node.alive) node.signal('SIGKILL');
    this.redis.signal('SIGKILL');
    this.brokers.killAll();
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(this.nodes.filter(({ alive }) => alive).map((node) => node.kill()));
    await Promise.all([this.redis.close(), this.brokers.close()]);
  }
}

const lastLine = (file: string): string => readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
