/** What a finder of system entities is given and gives. */

export interface SystemFind {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}
