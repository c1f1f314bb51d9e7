/** A value as a tree that opens and closes. */
import type { ReactElement } from 'react';

export interface TreeProps {
  readonly name: string;
  readonly value: unknown;
  readonly depth?: number;
}

export function Tree({ name, value: given, depth = 0 }: TreeProps): ReactElement {
  const value = unfolded(given);
  if (typeof value !== 'object' || value === null) return <Leaf name={name} value={value} />;
  const entries = Object.entries(value as Record<string, unknown>);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) return <p className="leaf"><span className="name">{name}</span> <span className="null">{open}{close}</span></p>;
  return (
    <details className="tree" open={depth === 0}>
      <summary><span className="name">{name}</span> <span className="size">{open}{entries.length}{close}</span></summary>
      <div className="branch">{entries.map(([key, inner]) => <Tree key={key} name={key} value={inner} depth={depth + 1} />)}</div>
    </details>
  );
}

function Leaf({ name, value }: { readonly name: string; readonly value: unknown }): ReactElement {
  const kind = value === null || value === undefined ? 'null' : typeof value;
  return <p className="leaf"><span className="name">{name}</span> <span className={kind}>{kind === 'null' ? 'null' : String(value)}</span>{timeOf(name, value)}</p>;
}

/** Milliseconds since 1970, as people read them. */
function timeOf(name: string, value: unknown): string {
  return typeof value === 'number' && /At$/.test(name) && value > 1e12 && value < 1e14 ? `  ${new Date(value).toISOString()}` : '';
}

/** Some fields hold JSON as text: what is in it is more use than its quotes. */
function unfolded(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try { return JSON.parse(value) as unknown; } catch { return value; }
}
