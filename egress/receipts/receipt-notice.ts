/**
 * How a receipt travels over the fan-out to the other sockets of its conversation: in the place where an outcome says what
 * came before it stand its state, its position and the socket that it comes from, so that nobody has to parse the frame.
 */

export type ReceiptState = 'delivered' | 'read';

export interface ReceiptNotice {
  readonly state: ReceiptState;
  readonly position: string;
  /** The socket that reported it: it hears nothing of it. */
  readonly from: string;
}

/** The newest position of each state that one socket was shown. */
export type ReceiptMarks = Partial<Record<ReceiptState, string>>;

export function formatNotice({ state, position, from }: ReceiptNotice): string {
  return `!${state === 'read' ? 'r' : 'd'}${position} ${from}`;
}

/** Undefined for what is no receipt. */
export function parseNotice(text: string): ReceiptNotice | undefined {
  if (!text.startsWith('!')) return undefined;
  const cut = text.indexOf(' ');
  return { state: text[1] === 'r' ? 'read' : 'delivered', position: text.slice(2, cut), from: text.slice(cut + 1) };
}
