/**
 * A place in a conversation's one position space (docs: protocol, "Positions and outcomes").
 *
 * Text form: `<epoch, 8 hex digits>-<offset in messages.v1, 12 digits>-<index, 2 digits>`. Positions of one
 * conversation compare as strings. Index 00 is the message itself, 01 the outcome that it caused.
 */
import { ConfabError } from './errors.js';

const FORM = /^([0-9a-f]{8})-(\d{12})-(\d{2})$/;

export interface Position {
  readonly epoch: string;
  readonly offset: number;
  readonly index: number;
}

export function formatPosition(epoch: string, offset: number, index: number): string {
  return `${epoch}-${offset.toString().padStart(12, '0')}-${index < 10 ? '0' : ''}${index}`;
}

/** @throws ConfabError CONFAB_POSITION_INVALID */
export function parsePosition(text: string): Position {
  const match = FORM.exec(text);
  if (!match) throw new ConfabError('CONFAB_POSITION_INVALID', { detail: 'A position looks like 0a1b2c3d-000000000042-00; take it from an answer or a frame.' });
  return { epoch: match[1] ?? '', offset: Number(match[2]), index: Number(match[3]) };
}

/** Offset and index of a well-formed position as one number, for those of one epoch: for who keeps many of them. */
export function placeOf(position: string): number {
  return Number(position.slice(-15, -3)) * 100 + Number(position.slice(-2));
}

/** The epoch of positions: the first 8 hex digits of the id of `messages.v1`, so that a re-created topic is noticed. */
export function epochOf(topicId: string): string {
  return topicId.slice(0, 8).toLowerCase();
}
