/** The product's own audit, as users run it: a process of its own that reads the cluster. */
import { spawn } from 'node:child_process';

/** Of its JSON: what is relied on. */
export interface AuditResult {
  readonly sound: boolean;
  readonly accepted: number;
  readonly answered: number;
  readonly deadLettered: number;
  readonly pending: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly findings: readonly { readonly kind: string; readonly topic: string; readonly partition: number; readonly offset: number; readonly key: string | null; readonly position: string | null; readonly detail: string }[];
}

export interface AuditOptions {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly millis: number;
}

/** @throws Error when it does not end, or says something that is not its JSON */
export async function auditCommand({ program, env, millis }: AuditOptions): Promise<AuditResult> {
  const child = spawn(process.execPath, [program, 'audit', '--json', '--patience', '1s', '--most', '100'], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, CONFAB_LOG_LEVEL: 'silent' } });
  let output = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => { output += bytes.toString(); });
  child.stderr.on('data', (bytes: Buffer) => { errors += bytes.toString(); });
  const late = setTimeout(() => { child.kill('SIGKILL'); }, millis);
  const code = await new Promise<number | null>((resolve) => { child.once('error', () => { resolve(null); }); child.once('close', resolve); });
  clearTimeout(late);
  const result = parse(output);
  // 0 is sound, 1 is not; anything else is no verdict.
  if (result === undefined || (code !== 0 && code !== 1) || result.sound !== (code === 0)) throw new Error(`confab audit ended with ${code ?? 'a signal'}: ${errors.slice(-500)}${output.slice(-500)}`);
  return result;
}

function parse(output: string): AuditResult | undefined {
  try {
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as AuditResult;
  } catch {
    return undefined;
  }
}
