/** What a service of `npm run services` is: one file a service, each with one object of this type. */

export interface UpOptions {
  /** Kafka: how many brokers; without it one, or as many as run already. */
  readonly brokers?: number;
  /** Begin with no data. */
  readonly fresh: boolean;
}

/** A started process; the start time tells it from another one that got the same pid later. */
export interface StartedProcess {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly log: string;
}

export interface Started {
  readonly processes: readonly StartedProcess[];
  /** A program that tests start themselves, instead of processes: it is up while this file is there. */
  readonly program?: string;
  /** Environment variables for tests, e.g. CONFAB_TEST_REDIS_URL. */
  readonly addresses: Readonly<Record<string, string>>;
  /** One line for `status`. */
  readonly about: string;
}

export interface Service {
  readonly name: string;
  /** What it is, for the help text. */
  readonly purpose: string;
  /** Fetches what is missing; does nothing when all is there. */
  install(): Promise<void>;
  /** Starts it and resolves once it answers. `folder` is its own, for data and logs. */
  start(folder: string, options: UpOptions): Promise<Started>;
  /** Name of the compose service, for those that docker-compose.yml has. */
  readonly compose?: { readonly service: string; readonly addresses: Readonly<Record<string, string>> };
}

/** A fault that is told to the person in one line, without a stack. */
export class ServiceError extends Error {}
