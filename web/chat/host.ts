/**
 * The site that the page is framed by, if any. Only the direct parent is listened to, and the server's frame-ancestors let
 * nobody be that but itself and CONFAB_ALLOWED_ORIGINS. Tokens come this way and no other: never in a URL.
 */
import { messageOf, type ToPage, type ToSite } from '../shared/frame-messages.js';

export type HostOptions = Extract<ToPage, { confab: 'options' }>;

/** How long the page waits for the site to say how it should look, and for a token. */
const OPTIONS_MILLIS = 2000;
const TOKEN_MILLIS = 15_000;

const ALONE: HostOptions = { confab: 'options', token: false };

export class Host {
  readonly framed = window.parent !== window;
  private waiting: ((token: string) => void)[] = [];
  private readonly arrivals = new Set<() => void>();

  constructor() {
    window.addEventListener('message', ({ data, source }) => {
      if (!this.framed || source !== window.parent) return;
      const message = messageOf<ToPage>(data);
      if (message?.confab !== 'token' || typeof message.token !== 'string') return;
      const { waiting } = this;
      this.waiting = [];
      for (const give of waiting) give(message.token);
      if (waiting.length === 0) for (const arrival of this.arrivals) arrival();
    });
  }

  /** How the site wants the page; at once when there is no site, after a while when it says nothing. */
  options(): Promise<HostOptions> {
    if (!this.framed) return Promise.resolve(ALONE);
    return new Promise((resolve) => {
      const given = ({ data, source }: MessageEvent): void => {
        const message = messageOf<ToPage>(data);
        if (source === window.parent && message?.confab === 'options') resolve(message);
      };
      window.addEventListener('message', given);
      setTimeout(() => { window.removeEventListener('message', given); resolve(ALONE); }, OPTIONS_MILLIS);
      this.tell({ confab: 'ready' });
    });
  }

  /** Asks the site for a token. */
  token(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      setTimeout(() => { reject(new Error('the site gave no token in time')); }, TOKEN_MILLIS);
      this.tell({ confab: 'token-wanted' });
    });
  }

  /** Calls `run` when the site sends a token unasked, after a login for example. */
  onToken(run: () => void): void { this.arrivals.add(run); }

  tell(message: ToSite): void {
    if (this.framed) window.parent.postMessage(message, '*');
  }
}
