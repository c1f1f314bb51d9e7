/** One installation under torture: Kafka, Redis and the processes of each role, started, hurt and ended here. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { ownKafka, type OwnKafka } from '../services/kafka-own.js';
import { ensureProgram } from '../services/packages.js';

export const ROLES = ['ingress', 'intent', 'dialogue', 'analytics', 'egress'] as const;
export type Role = (typeof ROLES)[number];

export const pause = (millis: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, millis); });
const root = packageRoot();

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}

/** A process of the program. */
export class Node {
  private exit: number | NodeJS.Signals | undefined;
  private told = false;
  readonly exited: Promise<number | NodeJS.Signals>;

  constructor(readonly role: Role, readonly url: string, private readonly child: ChildProcess) {
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => { this.exit = code ?? signal ?? 'SIGKILL'; resolve(this.exit); });
    });
  }

  get alive(): boolean { return this.exit === undefined; }

  /** It ended though nobody asked it to. */
  get died(): boolean { return !this.alive && !this.told; }

  signal(name: NodeJS.Signals): void {
    if (name === 'SIGTERM' || name === 'SIGKILL') this.told = true;
    this.child.kill(name);
  }

  async ready(millis = 90_000): Promise<this> {
    for (const end = performance.now() + millis; performance.now() < end; await pause(100)) {
      if (!this.alive) throw new Error(`${this.role} ended with ${this.exit ?? ''} before it was ready`);
      const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.status === 200) return this;
    }
    throw new Error(`${this.role} was not ready within ${millis} ms`);
  }
}

export class Installation {
  readonly nodes: Node[] = [];
  readonly prefix = 'torture.';
  redisUrl = '';
  private redis: ChildProcess | undefined;
  private redisPort = 0;
  private started = 0;

  private constructor(readonly folder: string, readonly kafka: OwnKafka, readonly partitions: number) {}

  /** Builds the program as it is now, and starts the servers. */
  static async start(folder: string, options: { brokers: 1 | 3; partitions: number }): Promise<Installation> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], { cwd: root, stdio: ['ignore', 2, 2] });
    const installation = new Installation(folder, await ownKafka(join(folder, 'kafka'), { brokers: options.brokers }), options.partitions);
    await installation.startRedis();
    return installation;
  }

  async startRedis(): Promise<void> {
    const program = await ensureProgram('redis-server', ['redis-server']);
    if (this.redisPort === 0) this.redisPort = await freePort();
    const data = join(this.folder, 'redis');
    mkdirSync(data, { recursive: true });
    this.redis = spawn(program, ['--port', String(this.redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', data, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
    this.redisUrl = `redis://127.0.0.1:${this.redisPort}`;
  }

  async stopRedis(signal: NodeJS.Signals): Promise<void> {
    const { redis } = this;
    if (redis === undefined || redis.exitCode !== null || redis.signalCode !== null) return;
    const gone = new Promise((resolve) => { redis.once('exit', resolve); });
    redis.kill(signal);
    await gone;
  }

  signalRedis(signal: NodeJS.Signals): void { this.redis?.kill(signal); }

  of(role: Role): Node[] { return this.nodes.filter((node) => node.role === role && node.alive); }

  async add(role: Role): Promise<Node> {
    const port = await freePort();
    this.started += 1;
    const output = openSync(join(this.folder, `${String(this.started).padStart(3, '0')}-${role}.log`), 'w');
    const child = spawn(process.execPath, [join(this.folder, 'dist/main.js'), 'start', '--role', role], {
      stdio: ['ignore', output, output],
      env: {
        PATH: process.env.PATH, HOME: process.env.HOME, CONFAB_LOG_LEVEL: 'info', CONFAB_HTTP_PORT: String(port), CONFAB_KAFKA_BROKERS: this.kafka.brokers.join(','),
        CONFAB_REDIS_URL: this.redisUrl, CONFAB_PREFIX: this.prefix, CONFAB_PARTITIONS: String(this.partitions), CONFAB_DATA_DIR: join(this.folder, 'data'),
      },
    });
    closeSync(output);
    const node = new Node(role, `http://127.0.0.1:${port}`, child);
    this.nodes.push(node);
    return node;
  }

  /** Ends it in order; the exit code, or the signal that it took. */
  async stop(node: Node): Promise<number | NodeJS.Signals> {
    node.signal('SIGTERM');
    const late = setTimeout(() => { node.signal('SIGKILL'); }, 40_000);
    const exit = await node.exited;
    clearTimeout(late);
    return exit;
  }

  async close(): Promise<void> {
    for (const node of this.nodes) if (node.alive) node.signal('SIGKILL');
    await this.stopRedis('SIGKILL');
    await this.kafka.close();
  }
}
