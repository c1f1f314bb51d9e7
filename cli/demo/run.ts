/** The demonstration: talk, kill -9 in the middle, start again, and the proof read back from the log. */
import type { Clock } from '../../platform/clock.js';
import { loadConfig, type Config } from '../../platform/config.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { seededRandom, ulidMaker, type Random } from '../../platform/random.js';
import type { Codec } from '../../schemas/codec.js';
import { audit, isSound, type AuditReport } from '../../inspect/audit.js';
import { isClean, type ReplayResult } from '../replay/report.js';
import { conversationIdOf, Replay } from '../replay/run.js';
import { demoDialogues } from './dialogues.js';
import type { ServerProcess } from './server-process.js';

export interface DemoProgress { readonly accepted: number; readonly answered: number }

export interface DemoOptions {
  readonly conversations: number;
  readonly concurrency: number;
  readonly server: ServerProcess;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly openLog: (config: Config) => Promise<EventLog>;
  readonly openCodec: (config: Config) => Promise<Codec>;
  /** What happens now, in order. */
  readonly tell: DemoListener;
}

/** Told as it happens. */
export interface DemoListener {
  started(millis: number): void;
  talking(conversations: number, messages: number): void;
  progress(progress: DemoProgress): void;
  killed(pid: number, progress: DemoProgress): void;
  restarted(millis: number): void;
  talked(result: ReplayResult): void;
}

export interface DemoResult {
  readonly replay: ReplayResult;
  readonly report: AuditReport;
  /** What the clients were told and what the log says agree, and nothing is wrong with either. */
  readonly proven: boolean;
  /** A conversation that was under way when the process was killed. */
  readonly example: string;
}

/** The same conversations each time. */
const SEED = 20_261;

/** @throws CONFAB_SERVER_UNREACHABLE; the signal's reason when it aborts */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { clock, random, server, tell, conversations, concurrency } = options;
  const dialogues = demoDialogues(conversations, seededRandom(SEED));
  const messages = dialogues.reduce((sum, { turns }) => sum + turns.length, 0);
  const runId = ulidMaker(clock, random)().toLowerCase();
  tell.started(await server.start());
  tell.talking(conversations, messages);
  const failed = new AbortController();
  let restart: Promise<void> | undefined;
  let underWay = 0;
  const replay = await new Replay({
    dialogues, url: server.url, token: undefined, runId, concurrency, rate: undefined, pipeline: false, clock, random, signal: AbortSignal.any([options.signal, failed.signal]),
    onProgress: (progress) => {
      tell.progress(progress);
      if (restart !== undefined || progress.accepted < messages / 2) return;
      underWay = Math.min(conversations - 1, Math.floor((progress.accepted / messages) * conversations));
      restart = killAndRestart(options, { ...progress }).catch((error: unknown) => { failed.abort(error); });
    },
  }).run();
  await restart;
  options.signal.throwIfAborted();
  failed.signal.throwIfAborted();
  tell.talked(replay);
  const report = await readBack(options);
  return {
    replay, report, proven: isClean(replay) && isSound(report) && replay.accepted === report.accepted && report.answered === report.accepted && restart !== undefined,
    example: conversationIdOf(runId, underWay, dialogues[underWay]?.name ?? ''),
  };
}

async function killAndRestart({ server, tell }: DemoOptions, progress: DemoProgress): Promise<void> {
  const pid = server.pid ?? 0;
  await server.kill();
  tell.killed(pid, progress);
  tell.restarted(await server.start());
}

/** The proof asks nobody who took part: it is made from the records alone, beside the process that wrote them. */
async function readBack({ server, clock, signal, openLog, openCodec }: DemoOptions): Promise<AuditReport> {
  const config = loadConfig(server.env, { serving: false });
  const log = await openLog(config);
  try {
    return await audit({ log, codec: await openCodec(config), clock, prefix: config.pipeline.prefix, patience: 0, signal });
  } finally {
    await log.close();
  }
}
