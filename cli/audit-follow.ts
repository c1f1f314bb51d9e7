/** `confab audit --follow`: findings as they become certain, a status line on a terminal, JSON lines in a pipe. */
import { isSound, type AuditOptions, type AuditReport } from '../inspect/audit.js';
import { followAudit } from '../inspect/audit/follow.js';
import type { ConfabError } from '../platform/errors.js';
import { auditLine, findingLine, lateLine, rateLine } from './audit-text.js';
import type { CliContext } from './context.js';
import { harmlessJson, harmlessLine } from './terminal.js';

export interface FollowFlags { readonly interval: number; readonly json?: boolean; readonly text?: boolean }

export class AuditFollower {
  private readonly asJson: boolean;
  private readonly status: boolean;
  private shown = false;

  constructor(private readonly context: CliContext, private readonly flags: FollowFlags) {
    const { stdout, stderr } = context;
    this.asJson = flags.json === true || (flags.text !== true && stdout.isTTY !== true);
    this.status = !this.asJson && stderr.isTTY === true;
  }

  /** Ends with the signal; says then what was found in all. */
  async run(options: AuditOptions & { readonly signal: AbortSignal }): Promise<AuditReport> {
    const { mostFindings: _all, ...rest } = options;
    const report = await followAudit({
      ...rest, mostFindings: 0, interval: this.flags.interval,
      onFinding: (finding) => { this.line('finding', finding, findingLine(finding)); },
      onLate: (late) => { this.line('late', late, lateLine(late)); },
      onRound: (round) => { this.round(round); },
      onTrouble: (error) => { this.trouble(error); },
    });
    const { findings: _none, ...counts } = report;
    this.line('summary', { sound: isSound(report), ...counts }, auditLine(report));
    if (!this.asJson) this.context.stderr.write(`${rateLine(report)}\n`);
    return report;
  }

  private round(report: AuditReport): void {
    const { findings: _none, ...counts } = report;
    if (this.asJson) this.line('status', counts, '');
    else if (this.status) {
      const { columns = 100 } = this.context.stderr;
      this.context.stderr.write(`\r\u001b[K${`${new Date(this.context.clock.now()).toISOString().slice(11, 19)} ${auditLine(report)}`.slice(0, Math.max(20, columns - 1))}`);
      this.shown = true;
    }
  }

  private trouble(error: ConfabError): void {
    this.clear();
    this.context.stderr.write(`${harmlessLine(`${error.code}: ${error.detail}`)} Trying again.\n`);
  }

  private line(type: string, value: object, text: string): void {
    this.clear();
    this.context.stdout.write(`${this.asJson ? harmlessJson({ type, at: new Date(this.context.clock.now()).toISOString(), ...value }) : text}\n`);
  }

  private clear(): void {
    if (this.shown) this.context.stderr.write('\r\u001b[K');
    this.shown = false;
  }
}
