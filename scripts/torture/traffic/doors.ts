/** A way into one of the processes that take messages, chosen at random for each attempt. */
import type { Installation } from '../installation/installation.js';
import { HttpDoor, SocketDoor, type Door } from './door.js';

interface Pair { readonly http: HttpDoor; readonly socket: SocketDoor }

export class Doors {
  private readonly pairs = new Map<string, Pair>();

  constructor(private readonly installation: Installation, private readonly random: () => number, private readonly disorder: (conversation: string) => void) {}

  /** undefined while there is no process to send to. */
  any(): Door | undefined {
    const nodes = this.installation.doors('ingress');
    const node = nodes[Math.floor(this.random() * nodes.length)];
    if (node === undefined) return undefined;
    let pair = this.pairs.get(node.url);
    if (pair === undefined) this.pairs.set(node.url, pair = { http: new HttpDoor(node.url), socket: new SocketDoor(node.url, this.disorder) });
    this.forgetDead();
    return this.random() < 0.5 && pair.socket.isOpen ? pair.socket : pair.http;
  }

  close(): void { for (const pair of this.pairs.values()) closePair(pair); }

  private forgetDead(): void {
    const alive = new Set(this.installation.of('ingress').map(({ url }) => url));
    for (const [url, pair] of this.pairs) if (!alive.has(url)) { closePair(pair); this.pairs.delete(url); }
  }
}

function closePair({ http, socket }: Pair): void {
  http.close();
  socket.close();
}
