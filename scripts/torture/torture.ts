/** One run, from the first server to the verdict. */
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../platform/clock.js';
import { packageRoot } from '../../platform/package-root.js';
import { Crowd } from './crowd.js';
import { drawing } from './draw.js';
import { drain, SOON } from './drain.js';
import { Tormentor } from './faults/tormentor.js';
import { CLERK } from './installation/bots.js';
import { Installation } from './installation/installation.js';
import { pause, Progress } from './installation/wait.js';
import { auditCommand } from './judge/audit-command.js';
import { LogReader } from './judge/history.js';
import { judge } from './judge/verdict.js';
import type { TortureOptions } from './options.js';
import { Counter } from './traffic/counter.js';
import { keepEvidence, resultOf, type Result } from './report.js';

/** Of the audit command. */
const AUDIT = 180_000;
/** Messages that the log must have before anything is hurt: an installation without any is another case. */
const FIRST_MESSAGES = 200;

export class Torture {
  readonly folder = join(packageRoot(), '.services', `torture-${process.pid}`);
  private readonly began = performance.now();
  private readonly troubles: string[] = [];
  private readonly seconds: Record<string, number> = {};
  private installation: Installation | undefined;
  private crowd: Crowd | undefined;
  private counter: Counter | undefined;

  constructor(private readonly options: TortureOptions) {}

  /** Runs it all; servers and processes are gone afterwards. A sound run leaves nothing behind. */
  async run(): Promise<Result> {
    mkdirSync(this.folder, { recursive: true });
    const { seed, partitions, processes } = this.options;
    const random = drawing(seed * 31 + 200);
    let sound = false;
    try {
      this.say(`seed ${seed}; logs are in ${this.folder}`);
      const counter = this.counter = await Counter.open(drawing(seed * 31 + 300));
      const installation = this.installation = await Installation.start({ folder: join(this.folder, 'run'), partitions, random, origin: counter.origin });
      await installation.populate(processes);
      const result = await this.torment(installation, counter);
      ({ sound } = result);
      return result;
    } finally {
      this.crowd?.close();
      this.counter?.close();
      await this.installation?.close();
      if (sound && !this.options.keep) rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** No time left: everything that was started ends now. */
  killAll(): void { this.installation?.killAll(); }

  say(line: string): void {
    const text = `${((performance.now() - this.began) / 1000).toFixed(1).padStart(6)} ${line}\n`;
    process.stderr.write(text);
    appendFileSync(join(this.folder, 'run.log'), text);
  }

  private async torment(installation: Installation, counter: Counter): Promise<Result> {
    const { options } = this;
    const crowd = this.crowd = new Crowd(installation, options);
    await crowd.listening();
    crowd.traffic.start();
    for (const progress = new Progress('no message is accepted', 60_000); crowd.ledger.accepted < Math.min(FIRST_MESSAGES, options.rate * 3); await pause(100)) progress.now(crowd.ledger.accepted);
    this.lap('start');
    this.say(`up; ${options.minutes} minutes of faults begin`);
    const tormentor = new Tormentor({ installation, seed: options.seed, kinds: options.kinds, say: (line) => { this.say(`${line} (${crowd.ledger.accepted} accepted, ${crowd.traffic.open} open)`); } });
    await tormentor.run(AbortSignal.timeout(options.minutes * 60_000));
    if (options.kinds.size === 0) await pause(options.minutes * 60_000);
    crowd.traffic.stop();
    this.lap('faults');
    this.say(`the faults are over; ${crowd.ledger.accepted} accepted, ${crowd.traffic.open} open`);
    return this.verdict(installation, { crowd, counter }, tormentor);
  }

  private async verdict(installation: Installation, { crowd, counter }: { crowd: Crowd; counter: Counter }, tormentor: Tormentor): Promise<Result> {
    const reader = await LogReader.open(installation.brokers.direct, installation.prefix, installation.partitions);
    try {
      const { history, drained } = await drain({ installation, crowd, reader, trouble: (text) => { this.trouble(text); } });
      this.lap('drain');
      this.say('quiet; judging');
      const audit = await auditCommand({ program: installation.program, env: installation.environment(), millis: AUDIT }).catch((error: unknown) => { this.trouble(String(error)); return undefined; });
      const verdict = judge({ sent: new Map([...crowd.ledger.conversations].map(([id, { sent }]) => [id, sent])), contradictions: crowd.ledger.contradictions, history, followers: crowd.followers, books: counter, versions: { botId: CLERK, labels: installation.rollouts.labels }, until: systemClock.now() + SOON });
      this.lap('verdict');
      const result = resultOf({ options: this.options, crowd, counter, installation, tormentor, verdict, audit, drained, troubles: this.troubles, seconds: this.seconds });
      if (!result.sound) {
        await keepEvidence(this.folder, installation, verdict, audit);
        return { ...result, kept: this.folder };
      }
      return this.options.keep ? { ...result, kept: this.folder } : result;
    } finally {
      await reader.close();
    }
  }

  private trouble(text: string): void {
    this.troubles.push(text);
    this.say(text);
  }

  private lap(name: string): void {
    const before = Object.values(this.seconds).reduce((sum, each) => sum + each, 0);
    this.seconds[name] = Math.round((performance.now() - this.began) / 100 - before * 10) / 10;
  }
}
