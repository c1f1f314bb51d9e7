/**
 * The event log of one machine, on lmdb: durable, one writer, any number of readers in other processes.
 * An append or commit resolves once its lmdb transaction is synced to disk; calls gather while one is under way.
 */
import type { Clock, Timer } from '../clock.js';
import { ConfabError } from '../errors.js';
import type { Logger } from '../observability/logger.js';
import type { Random } from '../random.js';
import { checkDataFormat, dataDirError, openDataDirectory } from './embedded/data-directory.js';
import { openEnvironment } from './embedded/environment.js';
import { LmdbStore } from './embedded/lmdb-store.js';
import { InProcessLog, type InProcessOptions } from './in-process/log.js';
import { maintainLog } from './in-process/maintenance.js';

const MAINTENANCE_MILLIS = 30_000;
const REFRESH_MILLIS = 50;

export interface EmbeddedLogOptions {
  /** The data directory (CONFAB_DATA_DIR); the log is in `log/` below it. It is locked and made if need be. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Beside a process that writes: sees what that one commits, at most 50 ms later. */
  readonly readOnly?: boolean;
  /** Pause between rounds of retention and compaction. Default 30 s. */
  readonly maintenanceMillis?: number;
}

/**
 * One log of a directory a process: lmdb would share the environment of two.
 * @throws CONFAB_LOG_LOCKED, CONFAB_DATA_VERSION, CONFAB_DATA_DIR
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const readOnly = options.readOnly ?? false;
  if (readOnly) checkDataFormat(options.folder);
  const release = readOnly ? () => undefined : openDataDirectory(options.folder);
  try {
    const store = new LmdbStore(openEnvironment(options.folder, readOnly), readOnly);
    const shared = { kind: 'embedded', store, clock: options.clock, random: options.random, schedule: (run: () => void) => { setImmediate(run); } } as const;
    return readOnly ? new ReadOnlyEmbeddedLog(shared, options, release) : new EmbeddedLog(shared, options, release);
  } catch (error) {
    release();
    if (error instanceof ConfabError) throw error;
    throw dataDirError(options.folder, error);
  }
}

export class EmbeddedLog extends InProcessLog {
  private timer: Timer | undefined;
  private round: Promise<void> | undefined;
  private readonly stop = new AbortController();

  constructor(shared: InProcessOptions, private readonly settings: EmbeddedLogOptions, private readonly release: () => void) {
    super(shared);
    if (settings.readOnly !== true) this.plan();
  }

  /** Applies retention and compaction now. */
  async maintain(): Promise<void> {
    while (this.round) await this.round;
    await this.runRound(true);
  }

  private runRound(force: boolean): Promise<void> {
    this.round = maintainLog(this, { force, signal: this.stop.signal }).finally(() => { this.round = undefined; });
    return this.round;
  }

  private plan(): void {
    if (this.stop.signal.aborted) return;
    this.timer = this.clock.after(this.settings.maintenanceMillis ?? MAINTENANCE_MILLIS, () => {
      if (this.round) { this.plan(); return; }
      this.runRound(false)
        .catch((error: unknown) => { if (!this.stop.signal.aborted) this.settings.logger.error({ err: error }, 'retention and compaction failed; tried again later'); })
        .finally(() => { this.plan(); });
    });
  }

  override async close(): Promise<void> {
    if (this.stop.signal.aborted) return;
    this.stop.abort();
    this.timer?.cancel();
    await this.round?.catch(() => undefined);
    await super.close();
    this.release();
  }
}

/** The log seen from beside its writer. */
class ReadOnlyEmbeddedLog extends EmbeddedLog {
  private refreshed = this.clock.monotonic();

  override checkOpen(): void {
    super.checkOpen();
    if (this.clock.monotonic() - this.refreshed < REFRESH_MILLIS) return;
    this.refreshed = this.clock.monotonic();
    this.reload();
  }

  override checkWritable(): void { throw new ConfabError('CONFAB_LOG_READ_ONLY'); }
}
