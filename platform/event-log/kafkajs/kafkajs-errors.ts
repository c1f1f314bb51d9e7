/** Errors of kafkajs's own admin client, as errors of the catalogue. */
import { ConfabError } from '../../errors.js';
import { KafkaCode, refusal } from './codes.js';

interface Thrown { readonly name?: string; readonly type?: string; readonly code?: number; readonly message?: string; readonly errors?: readonly unknown[]; readonly cause?: unknown; readonly originalError?: unknown }

/** The protocol error inside, if there is one. */
function protocolError(thrown: unknown, depth = 0): { code: number; type: string } | undefined {
  if (typeof thrown !== 'object' || thrown === null || depth > 4) return undefined;
  const { type, code, errors, cause, originalError } = thrown as Thrown;
  if (typeof type === 'string' && typeof code === 'number') return { type, code };
  for (const inner of [...errors ?? [], cause, originalError]) {
    const found = protocolError(inner, depth + 1);
    if (found) return found;
  }
  return undefined;
}

export function fromKafkajs(thrown: unknown, detail: string): ConfabError {
  if (thrown instanceof ConfabError) return thrown;
  const found = protocolError(thrown);
  if (found) return found.code === KafkaCode.SECURITY_DISABLED ? new ConfabError('CONFAB_LOG_REFUSED', { detail: `${detail}: the broker has no authorizer`, cause: thrown }) : withCause(refusal(found.code, `${detail} (${found.type})`), thrown);
  return new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${detail}: ${thrown instanceof Error ? thrown.message : 'no answer'}`, cause: thrown });
}

export function isKafkaCode(thrown: unknown, code: number): boolean {
  return protocolError(thrown)?.code === code;
}

function withCause(error: ConfabError, cause: unknown): ConfabError {
  return new ConfabError(error.code, { detail: error.detail, cause });
}
