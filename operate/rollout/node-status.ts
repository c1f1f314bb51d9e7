/** What a node says about the bots and settings that it runs. */
export type VersionState = 'current' | 'canary' | 'earlier' | 'preparing' | 'refused';

export interface BotStatus {
  readonly id: string;
  readonly versions: readonly { readonly version: string; readonly state: VersionState; readonly share?: number; /** Of a refused one. */ readonly reason?: string }[];
}

export interface NodeStatus {
  readonly roles: readonly string[];
  readonly host: string;
  readonly pid: number;
  /** The offsets of bots.v1 and settings.v1 up to which it has read. */
  readonly botsRead: number;
  readonly settingsRead: number;
  readonly bots: readonly BotStatus[];
}
