/** A board of one process: it shows itself. */
import { freshEntries, type NodeBoard, type NodeEntry } from './node-board.js';

export class MemoryNodeBoard implements NodeBoard {
  private readonly entries = new Map<string, string>();

  post(entry: NodeEntry): Promise<void> { this.entries.set(entry.node, JSON.stringify(entry)); return Promise.resolve(); }

  list(now: number): Promise<NodeEntry[]> { return Promise.resolve(freshEntries(this.entries.values(), now)); }

  remove(node: string): Promise<void> { this.entries.delete(node); return Promise.resolve(); }
}
