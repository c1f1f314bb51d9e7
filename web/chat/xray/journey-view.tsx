/** One message on its way: a bar for each hop, on one scale from its acceptance to the last thing that came of it. */
import { memo, type ReactElement } from 'react';
import { keyOf, type Hop, type Journey, type XrayRecord } from './records.js';
import { Tree } from './tree.js';

export const JourneyView = memo(function JourneyView({ journey, newest }: { readonly journey: Journey; readonly newest: boolean }): ReactElement {
  const { title, acceptedAt, millis, hops } = journey;
  return (
    <section className={newest ? 'journey newest' : 'journey'} aria-label={`Message: ${title}`}>
      <header>
        <h3>{title}</h3>
        <p><time dateTime={acceptedAt}>{acceptedAt.slice(11, 23)}</time><strong>{millis} ms</strong></p>
      </header>
      <ol>{hops.map((hop) => <HopView key={keyOf(hop.record)} hop={hop} scale={Math.max(1, millis)} />)}</ol>
    </section>
  );
});

function HopView({ hop, scale }: { readonly hop: Hop; readonly scale: number }): ReactElement {
  const { topic, partition, offset, stage, sincePreviousMs, summary, intent, confidence, stateChange, value, clipped } = hop.record;
  return (
    <li className={topic === 'dead-letters.v1' ? 'hop dead' : `hop ${stage}`}>
      <details>
        <summary>
          <span className="stage">{stage}</span>
          <span className="topic">{topic}</span>
          <span className="took">{sincePreviousMs !== null ? `+${sincePreviousMs} ms` : topic === 'dialogue-states.v1' ? 'same commit' : ''}</span>
          <Bar hop={hop} scale={scale} />
          <span className="says">
            {summary}
            {intent === undefined || intent === null || confidence === undefined ? null : <Confidence {...(topic === 'intents.v1' ? {} : { intent })} value={confidence} />}
          </span>
        </summary>
        <div className="inside">
          <p className="place">{topic} <b>partition</b> {partition} <b>offset</b> {offset}</p>
          {stateChange === undefined || stateChange === null || stateChange.length === 0 ? null : <Changes changes={stateChange} />}
          <Tree name="value" value={value} />
          {clipped === true ? <p className="nothing">Long texts were cut.</p> : null}
        </div>
      </details>
    </li>
  );
}

/** What is shorter is shown as a point. */
const POINT = 0.015;

/** From where the hop before ended to where this one did. Attributes of SVG, not styles: the policy of the page allows none. */
function Bar({ hop, scale }: { readonly hop: Hop; readonly scale: number }): ReactElement {
  const end = Math.min(1, hop.sinceAccepted / scale);
  const begin = Math.max(0, end - (hop.record.sincePreviousMs ?? 0) / scale);
  return (
    <svg className="hop-bar" width="100%" height="6" aria-hidden="true">
      <rect className="track" width="100%" height="2" y="2" rx="1" />
      {end - begin < POINT
        ? <circle className="span" cx={`${end * 98.6 + 0.7}%`} cy="3" r="3" />
        : <rect className="span" x={`${begin * 100}%`} width={`${(end - begin) * 100}%`} height="6" rx="3" />}
    </svg>
  );
}

/** The summary of intents.v1 names the intent already. */
function Confidence({ intent, value }: { readonly intent?: string; readonly value: number }): ReactElement {
  return (
    <span className="confidence" title={`confidence ${value.toFixed(3)}`}>
      <svg width="36" height="6" aria-hidden="true"><rect className="track" width="36" height="6" rx="3" /><rect className="span" width={36 * Math.min(1, value)} height="6" rx="3" /></svg>
      {Math.round(value * 100)}%{intent === undefined ? '' : ` ${intent}`}
    </span>
  );
}

function Changes({ changes }: { readonly changes: NonNullable<XrayRecord['stateChange']> }): ReactElement {
  return (
    <table className="changes">
      <caption>What changed</caption>
      <thead className="unseen"><tr><th scope="col">field</th><th scope="col">before</th><th scope="col">after</th></tr></thead>
      <tbody>
        {changes.map(({ path, from, to }) => (
          <tr key={path}><th scope="row">{path}</th><td><del>{brief(from)}</del></td><td><ins>{brief(to)}</ins></td></tr>
        ))}
      </tbody>
    </table>
  );
}

function brief(value: unknown): string {
  if (value === null || value === undefined) return '–';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
