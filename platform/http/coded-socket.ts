/** Faults of the WebSocket protocol itself are closed by the library, which gives no reason: here they get ours. */
import { WebSocket } from 'ws';
import type { ErrorCode } from '../errors.js';
import { closeReason } from './close-codes.js';

const FAULTS: Readonly<Record<number, readonly [number, ErrorCode]>> = {
  1002: [1002, 'CONFAB_FRAME_MALFORMED'], 1007: [1007, 'CONFAB_FRAME_MALFORMED'], 1009: [1009, 'CONFAB_FRAME_TOO_LARGE'],
  // Too many fragments; the code is not one of the contract.
  1008: [1009, 'CONFAB_FRAME_TOO_LARGE'],
};

/** For the option `WebSocket` of the WebSocket server. */
export class CodedSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const fault = reason === undefined && code !== undefined ? FAULTS[code] : undefined;
    if (fault === undefined) super.close(code, reason); else super.close(fault[0], closeReason(fault[1]));
  }
}
