/**
 * How what happens in a conversation travels in Redis: one sharded channel a conversation, in the slot of its partition. The
 * fan-out of egress announces outcomes on it and the live bus publishes on it, so that a node subscribes once for both.
 */
import type { LiveFrame } from './live-bus.js';

export function liveChannel(prefix: string, partition: number, key: string): string {
  return `${prefix}{s${partition}}:live:${key}`;
}

/** The key in the name of a channel. */
export function keyOfChannel(channel: string): string {
  return channel.slice(channel.indexOf('}:live:') + 7);
}

/** What a live frame has in the place where an outcome says what came before it. */
export function formatOrigin({ before, index }: Pick<LiveFrame, 'before' | 'index'>): string {
  return index === null ? `@${before}` : `@${before}#${index}`;
}

/** Undefined for what is no live frame. */
export function parseOrigin(text: string): Pick<LiveFrame, 'before' | 'index'> | undefined {
  if (!text.startsWith('@')) return undefined;
  const cut = text.indexOf('#');
  return cut < 0 ? { before: text.slice(1), index: null } : { before: text.slice(1, cut), index: Number(text.slice(cut + 1)) };
}
