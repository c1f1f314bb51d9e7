/**
 * Tells that something in a folder has changed, once it has been quiet for a moment. The events of the system only say
 * "look": what counts is what a walk over the folder finds, so it does not matter how an editor writes (in place, by rename,
 * in steps), which folders come and go, or whether events are lost; a slow look finds what no event told.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../platform/clock.js';

export interface FolderWatchOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly onChange: () => void;
  /** Quiet that must pass after an event. Default 80 ms. */
  readonly settleMillis?: number;
  /** Pause between looks that no event asked for. Default 2 s. */
  readonly lookMillis?: number;
}

const SETTLE_MILLIS = 80;
const LOOK_MILLIS = 2000;
/** Texts of a bot's knowledge (processors/bot/knowledge.ts). */
const KNOWLEDGE = /[\\/]knowledge[\\/].*\.(md|markdown|txt)$/i;
const DEPTH = 6;
/** More than this is no folder of bots: the rest is not watched. */
const MOST_ENTRIES = 5000;

export class FolderWatch {
  private readonly watchers = new Map<string, FSWatcher>();
  private seen = '';
  private timer: Timer | undefined;
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private closed = false;

  constructor(private readonly options: FolderWatchOptions) {}

  /** Remembers how the folder is now; only what differs from it later is a change. */
  async prime(): Promise<void> {
    this.seen = await this.walk();
  }

  /** Begins to watch, with a first look. */
  start(): void {
    this.look();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
    await this.looking;
  }

  /** An event: a look follows once it is quiet, or after the one that is under way, which may have passed the place already. */
  private stirred(): void {
    if (this.looking !== undefined) this.lookAgain = true;
    else this.schedule(this.options.settleMillis ?? SETTLE_MILLIS);
  }

  private schedule(millis: number): void {
    this.timer?.cancel();
    if (!this.closed) this.timer = this.options.clock.after(millis, () => { this.look(); });
  }

  private look(): void {
    if (this.looking !== undefined) { this.lookAgain = true; return; }
    this.looking = this.compare().finally(() => {
      this.looking = undefined;
      const again = this.lookAgain;
      this.lookAgain = false;
      this.schedule(again ? this.options.settleMillis ?? SETTLE_MILLIS : this.options.lookMillis ?? LOOK_MILLIS);
    });
  }

  private async compare(): Promise<void> {
    const now = await this.walk();
    if (this.closed || now === this.seen) return;
    this.seen = now;
    this.options.onChange();
  }

  /** Every entry with what changes when it is written; watches the folders that it meets and lets go of those that are gone. */
  private async walk(): Promise<string> {
    const lines: string[] = [];
    const folders = new Set<string>();
    await this.walkFolder(this.options.folder, 0, lines, folders);
    for (const [path, watcher] of this.watchers) if (!folders.has(path)) { watcher.close(); this.watchers.delete(path); }
    return lines.join('\n');
  }

  private async walkFolder(path: string, depth: number, lines: string[], folders: Set<string>): Promise<void> {
    this.watch(path);
    folders.add(path);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || lines.length >= MOST_ENTRIES) continue;
      const child = join(path, entry.name);
      // Links are followed: a mounted ConfigMap changes what they lead to.
      const found = await stat(child).catch(() => undefined);
      if (found === undefined) continue;
      if (found.isDirectory()) {
        lines.push(`${child}/`);
        if (depth < DEPTH && entry.isDirectory()) await this.walkFolder(child, depth + 1, lines, folders);
      } else if (/\.ya?ml$/.test(entry.name) || KNOWLEDGE.test(child)) lines.push(`${child} ${found.size} ${found.mtimeMs} ${found.ino}`);
    }
  }

  private watch(path: string): void {
    if (this.closed || this.watchers.has(path)) return;
    try {
      const watcher = watch(path, { persistent: false }, () => { this.stirred(); });
      const drop = (): void => { watcher.close(); if (this.watchers.get(path) === watcher) this.watchers.delete(path); };
      watcher.on('error', drop);
      this.watchers.set(path, watcher);
    } catch { /* The folder is gone, or the system has no more watches: the slow look goes on. */ }
  }
}
