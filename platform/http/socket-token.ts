/** The token of one open socket: renewed in place by `auth` frames, announced 60 s before it ends, and the end of the socket when it does. */
import type { Authenticator, Principal } from '../auth/auth.js';
import type { Clock, Timer } from '../clock.js';
import { ConfabError, type ErrorCode } from '../errors.js';
import { CloseCode } from './close-codes.js';
import type { IncomingFrame } from './socket-session.js';

/** How long before the end of a token `expiring` is sent. */
const EXPIRY_NOTICE = 60_000;
/** The longest timer: Node's are limited to 2^31 - 1 ms. */
const LONGEST_TIMER = 2_000_000_000;

/** What it needs of its socket. */
export interface TokenHolder {
  readonly open: boolean;
  /** Another principal of the same tenant and subject. */
  renewed(principal: Principal): void;
  send(frame: { readonly type: string }): void;
  sendError(error: ConfabError): void;
  close(closeCode: number, code: ErrorCode): void;
  /** Closes with the code of the error. */
  fail(thrown: unknown): void;
}

export class SocketToken {
  private timer: Timer | undefined;
  private noticeSent = false;
  private renewals = 0;

  constructor(private current: Principal, private readonly holder: TokenHolder, private readonly options: { readonly authenticator: Authenticator; readonly clock: Clock }) {}

  get principal(): Principal { return this.current; }

  auth(frame: IncomingFrame): void {
    const unknown = Object.keys(frame).find((name) => name !== 'type' && name !== 'token');
    if (unknown === undefined) void this.renew(frame.token);
    else this.holder.sendError(new ConfabError('CONFAB_FRAME_INVALID', { detail: `/${unknown.slice(0, 100)} is not a known field` }));
  }

  /** One timer a socket: first for the notice, then for the end. */
  arm(): void {
    this.disarm();
    const { expiresAt } = this.current;
    if (expiresAt === undefined || !this.holder.open) return;
    const due = this.noticeSent ? expiresAt : expiresAt - EXPIRY_NOTICE;
    this.timer = this.options.clock.after(Math.min(Math.max(0, due - this.options.clock.now()), LONGEST_TIMER), () => { this.due(); });
  }

  disarm(): void { this.timer?.cancel(); this.timer = undefined; }

  private async renew(token: unknown): Promise<void> {
    const { authenticator } = this.options;
    const turn = ++this.renewals;
    try {
      if (typeof token !== 'string' || token === '') throw new ConfabError('CONFAB_TOKEN_MISSING');
      const principal = await authenticator.authenticate(token);
      // A later `auth` frame may have overtaken this one while its key was fetched: the latest counts.
      if (!this.holder.open || turn !== this.renewals) return;
      if (principal.tenant !== this.current.tenant || principal.subject !== this.current.subject) {
        throw new ConfabError('CONFAB_TOKEN_INVALID', { detail: 'A socket is renewed by a token of the same tenant and subject.' });
      }
      const refusal = authenticator.revocations?.refusal(principal);
      if (refusal !== undefined) throw refusal;
      this.current = principal;
      this.noticeSent = false;
      this.arm();
      this.holder.renewed(principal);
      this.holder.send({ type: 'authenticated', ...expiry(principal) });
    } catch (error) {
      this.holder.fail(error);
    }
  }

  private due(): void {
    const expiresAt = this.current.expiresAt ?? Infinity;
    const now = this.options.clock.now();
    if (now >= expiresAt) { this.holder.close(CloseCode.TOKEN_EXPIRED, 'CONFAB_TOKEN_EXPIRED'); return; }
    if (!this.noticeSent && now >= expiresAt - EXPIRY_NOTICE) {
      this.noticeSent = true;
      this.holder.send({ type: 'expiring', ...expiry(this.current) });
    }
    this.arm();
  }
}

function expiry(principal: Principal): { expiresAt: string | null } {
  return { expiresAt: principal.expiresAt === undefined ? null : new Date(principal.expiresAt).toISOString() };
}
