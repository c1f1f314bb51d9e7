/**
 * What a node has handed to its own sockets already and hears once more from the channel. An echo that is not recognised does
 * no harm, as sockets know what they were sent; so what is remembered is bounded and forgotten when the connection lapses.
 */
const MOST = 20_000;

export class Echoes {
  private readonly expected = new Set<string>();

  expect(key: string, position: string): void {
    if (this.expected.size >= MOST) this.expected.clear();
    this.expected.add(`${key} ${position}`);
  }

  /** True once for each that was expected. */
  take(key: string, position: string): boolean {
    return this.expected.size > 0 && this.expected.delete(`${key} ${position}`);
  }

  forget(): void { this.expected.clear(); }
}
