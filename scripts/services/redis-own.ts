/** For tests: Redis servers of one's own, which may be stopped, killed, set back and started again on the same ports. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureProgram } from './packages.js';
import { freePort } from './ports.js';
import { askTcp, end, isRunning, launch, pause, waitReady } from './processes.js';
import { ServiceError, type StartedProcess } from './service.js';

const PATIENCE = 60_000;

/** One server, in a folder of its own. */
export class OwnRedis {
  readonly url: string;
  private process: StartedProcess | undefined;

  private constructor(readonly port: number, private readonly folder: string, private readonly settings: readonly string[]) { this.url = `redis://127.0.0.1:${port}`; }

  /** Settings as on the command line: `['--maxmemory', '8mb']`. */
  static async start(folder: string, settings: readonly string[] = [], port?: number): Promise<OwnRedis> {
    mkdirSync(folder, { recursive: true });
    for (let tries = 5; ; tries -= 1) {
      const server = new OwnRedis(port ?? await freePort(firstPort(), [], 7), folder, settings);
      try {
        await server.start();
        return server;
      } catch (error) {
        // Between the look for a free port and its use another process may have taken it.
        if (tries <= 1 || port !== undefined) throw error;
      }
    }
  }

  /** Starts it again, with what its file has: after `kill` or `lose` nothing, after `setBack` what was saved. */
  async start(): Promise<void> {
    const program = await ensureProgram('redis-server', ['redis-server']);
    const args = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder, '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction', ...this.settings];
    for (let tries = 10; ; tries -= 1) {
      const started = await launch(program, args, { name: `redis-${this.port}`, folder: this.folder });
      this.process = started;
      try {
        // It, and not another one that has the port.
        await waitReady([started], async () => (await this.ask('INFO server')).includes(`process_id:${started.pid}\r\n`), PATIENCE);
        return;
      } catch (error) {
        // Who looks for a free port has each one for a moment.
        if (tries <= 1 || isRunning(started)) throw error;
        await pause(200);
      }
    }
  }

  /** kill -9: what it held is gone. */
  async kill(): Promise<void> {
    if (this.process !== undefined && isRunning(this.process)) { this.signal('SIGKILL'); await end(this.process, 0); }
  }

  /** SIGSTOP hangs it, SIGCONT lets it go on. */
  signal(signal: NodeJS.Signals): void {
    if (this.process !== undefined && isRunning(this.process)) process.kill(this.process.pid, signal);
  }

  /** Puts a copy of what it holds aside, for `setBack`. */
  async save(): Promise<void> {
    const saved = await this.ask('SAVE', PATIENCE);
    if (!saved.startsWith('+OK')) throw new ServiceError(`SAVE: ${saved}`);
    copyFileSync(join(this.folder, 'dump.rdb'), join(this.folder, 'saved.rdb'));
  }

  /** Ends it and starts it with the copy that `save` put aside, as after a restore from a backup. */
  async setBack(): Promise<void> {
    await this.kill();
    copyFileSync(join(this.folder, 'saved.rdb'), join(this.folder, 'dump.rdb'));
    await this.start();
    rmSync(join(this.folder, 'dump.rdb'));
  }

  /** Ends it and starts it with nothing. */
  async lose(): Promise<void> {
    await this.kill();
    rmSync(join(this.folder, 'dump.rdb'), { force: true });
    await this.start();
  }

  /** One command as a line; the first bytes of the answer. */
  ask(command: string, millis = 5_000): Promise<string> { return askTcp(this.port, `${command}\r\n`, millis); }

  async close(): Promise<void> {
    this.signal('SIGCONT');
    if (this.process !== undefined) await end(this.process, 0);
  }
}

export interface OwnRedisCluster {
  /** Masters first, then their replicas in the same order. */
  readonly nodes: readonly OwnRedis[];
  readonly urls: readonly string[];
  readonly masters: readonly OwnRedis[];
  /** The replica that `start` gave this master. */
  replicaOf(master: OwnRedis): OwnRedis;
  /** The first of these masters' slots: 0, 5461, 10923. */
  masterOf(slot: number): OwnRedis;
  /** The server that now answers for the slot of a key. */
  homeOf(key: string): Promise<OwnRedis>;
  /**
   * Moves the slot of a key to another master with all that it holds, key by key; requests meanwhile are told ASK, TRYAGAIN and
   * MOVED. `meanwhile` runs while the move is under way and none of its keys has been moved.
   */
  moveSlot(key: string, to: OwnRedis, meanwhile?: () => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

export interface OwnRedisClusterOptions {
  /** Whether each master has a replica that takes its place. Default true. */
  readonly replicas?: boolean;
}

/** From a node's port to the one on which nodes talk to each other. */
const BUS = 3;
const SLOTS = [[0, 5460], [5461, 10922], [10923, 16383]] as const;

/** Three masters, each with a replica or without; a master that is gone is replaced within a few seconds. Slots without a master do not stop the others. */
export async function ownRedisCluster(folder: string, options: OwnRedisClusterOptions = {}): Promise<OwnRedisCluster> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no', '--cluster-replica-validity-factor', '0', '--cluster-allow-replica-migration', 'no', '--repl-diskless-sync-delay', '0'];
  const nodes: OwnRedis[] = [];
  const close = async (): Promise<void> => { await Promise.all(nodes.map((node) => node.close())); };
  try {
    for (let n = 0; n < (options.replicas === false ? 3 : 6); n += 1) nodes.push(await startNode(join(folder, String(n)), settings));
    await form(nodes);
  } catch (error) {
    await close();
    throw error;
  }
  const masters = nodes.slice(0, 3);
  return {
    nodes, masters, close, urls: nodes.map(({ url }) => url),
    replicaOf: (master) => nodes[masters.indexOf(master) + 3] ?? master,
    masterOf: (slot) => masters[SLOTS.findIndex(([first, last]) => slot >= first && slot <= last)] as OwnRedis,
    homeOf: async (key) => homeOf(nodes, await slotOf(nodes, key)),
    moveSlot: async (key, to, meanwhile) => { await moveSlot(nodes, await slotOf(nodes, key), to, meanwhile); },
  };
}

/** One that answers; some may have been killed by the test. */
async function slotOf(nodes: readonly OwnRedis[], key: string): Promise<number> {
  const answers = await Promise.all(nodes.map((node) => node.ask(`CLUSTER KEYSLOT ${key}`, 1_000).catch(() => '')));
  const slot = answers.map((said) => /:(\d+)/.exec(said)?.[1]).find((found) => found !== undefined);
  if (slot === undefined) throw new ServiceError('no server of the cluster answers');
  return Number(slot);
}

/** Who answers for a slot says so to any request for a key of it: the others send it on. */
async function homeOf(nodes: readonly OwnRedis[], slot: number): Promise<OwnRedis> {
  let home: OwnRedis | undefined;
  await until(`somebody answers for slot ${slot}`, async () => {
    const claims = await Promise.all(nodes.map(async (node) => {
      const mine = (await node.ask('CLUSTER NODES', 1_000).catch(() => '')).split('\n').find((line) => line.includes('myself,master')) ?? '';
      return mine.split(' ').slice(8).some((range) => { const [from, to = from] = range.split('-').map(Number); return slot >= Number(from) && slot <= Number(to); });
    }));
    home = nodes[claims.indexOf(true)];
    return home !== undefined;
  });
  return home as OwnRedis;
}

async function moveSlot(nodes: readonly OwnRedis[], slot: number, to: OwnRedis, meanwhile?: () => Promise<unknown>): Promise<void> {
  const from = await homeOf(nodes, slot);
  const id = async (server: OwnRedis): Promise<string> => /[0-9a-f]{40}/.exec(await server.ask('CLUSTER MYID'))?.[0] ?? '';
  const [source, target] = [await id(from), await id(to)];
  await expectOk(to, `CLUSTER SETSLOT ${slot} IMPORTING ${source}`);
  await expectOk(from, `CLUSTER SETSLOT ${slot} MIGRATING ${target}`);
  await meanwhile?.();
  await until(`slot ${slot} is empty`, async () => {
    const keys = (await from.ask(`CLUSTER GETKEYSINSLOT ${slot} 5`)).split('\r\n').filter((line) => line !== '' && !/^[*$]\d+$/.test(line));
    // A key with a NUL or a space in its name has to travel as a counted string.
    if (keys.length > 0) await from.ask(asArray(['MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys]), 10_000);
    return (await from.ask(`CLUSTER COUNTKEYSINSLOT ${slot}`)).startsWith(':0');
  });
  // The new home first: from then on nobody is told to ask where nothing is.
  for (const server of [to, ...nodes.filter((node) => node !== to)]) await server.ask(`CLUSTER SETSLOT ${slot} NODE ${target}`, 1_000).catch(() => '');
}

/** A command as an array of counted strings, without the last line end (`ask` adds it). */
const asArray = (words: readonly string[]): string => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}`).join('\r\n')}`;

async function expectOk(node: OwnRedis, command: string): Promise<void> {
  const said = await node.ask(command);
  if (!said.startsWith('+OK')) throw new ServiceError(`${command}: ${said}`);
}

async function startNode(folder: string, settings: readonly string[]): Promise<OwnRedis> {
  for (let tries = 5; ; tries -= 1) {
    const port = await freePort(firstPort(), [BUS], 7);
    try {
      return await OwnRedis.start(folder, [...settings, '--cluster-port', String(port + BUS)], port);
    } catch (error) {
      if (tries <= 1) throw error;
    }
  }
}

async function form(nodes: readonly OwnRedis[]): Promise<void> {
  const [first] = nodes as [OwnRedis];
  for (const [n, [from, to]] of SLOTS.entries()) await expectOk(nodes[n] as OwnRedis, `CLUSTER ADDSLOTSRANGE ${from} ${to}`);
  // Different from the first moment on: which of two masters with one epoch gives way would be decided only later.
  for (const [n, node] of nodes.entries()) await expectOk(node, `CLUSTER SET-CONFIG-EPOCH ${n + 1}`);
  for (const node of nodes.slice(1)) await expectOk(node, `CLUSTER MEET 127.0.0.1 ${first.port} ${first.port + BUS}`);
  const ids = await Promise.all(nodes.map(async (node) => /[0-9a-f]{40}/.exec(await node.ask('CLUSTER MYID'))?.[0] ?? ''));
  await until('the nodes know each other', async () => (await all(nodes, 'CLUSTER NODES')).every((text) => ids.every((id) => text.includes(id))));
  for (const [n, replica] of nodes.slice(3).entries()) await expectOk(replica, `CLUSTER REPLICATE ${ids[n] ?? ''}`);
  if (nodes.length > 3) await until('the replicas follow', async () => (await all(nodes.slice(3), 'INFO replication')).every((text) => text.includes('master_link_status:up')));
  // Each has heard of all roles and slots: who asks any of them is told the same.
  await until('the cluster is whole', async () => (await all(nodes, 'CLUSTER INFO')).every((text) => text.includes('cluster_state:ok') && text.includes('cluster_slots_assigned:16384'))
    && (await all(nodes, 'CLUSTER NODES')).every((text) => (text.match(/slave /g)?.length ?? 0) === nodes.length - 3 && SLOTS.every(([from, to]) => text.includes(`${from}-${to}`))));
}

const all = (nodes: readonly OwnRedis[], command: string): Promise<string[]> => Promise.all(nodes.map((node) => node.ask(command)));

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const patience = performance.now() + PATIENCE;
  while (!await holds().catch(() => false)) {
    if (performance.now() > patience) throw new ServiceError(`not within ${PATIENCE / 1000} s: ${what}`);
    await pause(50);
  }
}

/** Processes that look for a port at the same time begin at different ones. */
const firstPort = (): number => 23_000 + (process.pid % 60) * 140;
