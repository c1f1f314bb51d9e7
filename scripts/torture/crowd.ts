/** The clients of a run: its traffic and its followers. */
import { drawing } from './draw.js';
import type { Installation } from './installation/installation.js';
import { pause } from './installation/wait.js';
import type { TortureOptions } from './options.js';
import { Doors } from './traffic/doors.js';
import { Follower } from './traffic/follower.js';
import { Ledger } from './traffic/ledger.js';
import { Traffic } from './traffic/traffic.js';
import { Waits } from './traffic/waits.js';

/** Followers that together follow every conversation and stay where they are, and such that hop from process to process. */
const STEADY = 4;
const HOPPERS = 2;
const HOP = 5_000;
const READY = 120_000;

export class Crowd {
  readonly ledger: Ledger;
  readonly traffic: Traffic;
  readonly followers: Follower[];
  readonly waits = new Waits();
  private readonly doors: Doors;

  constructor(private readonly installation: Installation, { seed, rate, conversations }: TortureOptions) {
    const ids = Array.from({ length: conversations }, (_, i) => `c${i}`);
    // Streams of their own: what one draws does not move the others.
    const random = (stream: number): () => number => drawing(seed * 31 + 100 + stream);
    const ledger = this.ledger = new Ledger(ids);
    this.doors = new Doors(installation, random(0), (id) => { ledger.contradictions.push({ kind: 'wrong', conversation: id, position: '', detail: 'answers of one conversation came in another order than its messages went, on one socket' }); });
    this.traffic = new Traffic({ ledger, door: () => this.doors.any(), random: random(1), rate });
    const follow = (name: string, wanted: (index: number) => boolean, hopMillis?: number): Follower => this.follower(name, new Map(ids.filter((_, i) => wanted(i)).map((id) => [id, undefined])), random(2), hopMillis);
    this.followers = [
      ...Array.from({ length: STEADY }, (_, each) => follow(`steady-${each}`, (i) => i % STEADY === each)),
      ...Array.from({ length: HOPPERS }, (_, each) => follow(`hopper-${each}`, (i) => i % 5 === each, HOP)),
    ];
  }

  /** Every conversation is followed from before its first message. */
  async listening(): Promise<void> {
    for (const end = performance.now() + READY; this.followers.some(({ isReady }) => !isReady); await pause(50)) {
      if (performance.now() > end) throw new Error('the followers were not told `ready` within 2 minutes');
    }
  }

  /** One that comes when all is over and asks for everything from the first message of each conversation on. */
  addReader(firsts: ReadonlyMap<string, string>): Follower {
    const reader = this.follower('reader', firsts, drawing(1));
    this.followers.push(reader);
    return reader;
  }

  close(): void {
    this.traffic.giveUp();
    this.doors.close();
    for (const follower of this.followers) follower.close();
  }

  private follower(name: string, from: ReadonlyMap<string, string | undefined>, random: () => number, hopMillis?: number): Follower {
    return new Follower({
      name, installation: this.installation, random, from, ...(hopMillis === undefined ? {} : { hopMillis }),
      onOutcome: ({ inReplyTo }) => {
        const sent = this.ledger.byId.get(inReplyTo);
        if (sent !== undefined && name !== 'reader') this.waits.add(sent, performance.now());
      },
    });
  }
}
