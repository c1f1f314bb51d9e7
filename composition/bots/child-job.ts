/**
 * Work on bots in a process of its own, which ends with it: what a bot holds cannot exhaust the memory of the pipeline, nor
 * its checking and training stop it. The job goes and the answer comes by the channel of `fork`, as plain data.
 */
import { fork, type ChildProcess } from 'node:child_process';

type Answer<R> = { readonly done: R } | { readonly failed: string };

/** Each version of a bot leaves a model; those of a long day are not kept for ever. */
export const MOST_MODELS = 100;

export class ChildJobs<J extends object, R> {
  private readonly children = new Set<ChildProcess>();

  /** @param does what the process does, as in "the process that … ended"; its module calls `answerJob` */
  constructor(private readonly module: URL, private readonly does: string) {}

  /** @throws Error the job has failed, or the process has ended without an answer */
  async run(job: J): Promise<R> {
    const child = fork(this.module, { serialization: 'advanced' });
    this.children.add(child);
    try {
      const answer = await new Promise<Answer<R>>((resolve, reject) => {
        child.once('message', (message) => { resolve(message as unknown as Answer<R>); }).once('error', reject)
          .once('exit', (code, signal) => { reject(new Error(`the process that ${this.does} ended with ${code ?? signal ?? 'nothing'}`)); });
        child.send(job, (error) => { if (error !== null) reject(error); });
      });
      if ('failed' in answer) throw new Error(answer.failed);
      return answer.done;
    } finally {
      this.children.delete(child);
    }
  }

  /** What is under way rejects. */
  stop(): void { for (const child of this.children) child.kill('SIGKILL'); }
}

/** In the process: does the one job that comes, answers, and lets go. */
export function answerJob<J, R>(work: (job: J) => R | Promise<R>): void {
  process.once('message', (job: J) => {
    void Promise.resolve(job).then(work)
      .then((done): Answer<R> => ({ done }), (error: unknown): Answer<R> => ({ failed: String(error) }))
      .then((answer) => { process.send?.(answer, () => { if (process.connected) process.disconnect(); }); });
  });
  // Who asked is gone: nobody takes the answer.
  process.once('disconnect', () => { process.exit(); });
}
