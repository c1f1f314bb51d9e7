/** Makes docs/frames.md from the schemas that validate the frames. */

interface Frame {
  readonly from: 'client' | 'server';
  readonly purpose: string;
  readonly schema: { readonly properties: Readonly<Record<string, object>>; readonly required: readonly string[] };
}

export interface FrameSection {
  readonly title: string;
  readonly intro: string;
  readonly frames: Readonly<Record<string, Frame>>;
}

interface Schema { type?: string | readonly string[]; const?: unknown; enum?: readonly unknown[]; items?: object; properties?: Record<string, object>; required?: readonly string[]; description?: string; format?: string; maxLength?: number }

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (schema.properties) {
    const required = new Set(schema.required ?? []);
    return `{ ${Object.entries(schema.properties).map(([name, inner]) => `${name}${required.has(name) ? '' : '?'}: ${typeOf(inner)}`).join('; ')} }`;
  }
  const base = [schema.type ?? 'any'].flat().join(' or ');
  return schema.format === 'date-time' ? `${base}, RFC 3339` : schema.format === 'position' ? 'position' : base;
}

function frameText(frame: Frame): string {
  const { properties, required } = frame.schema;
  const type = (properties.type as Schema | undefined)?.const;
  const rows = Object.entries(properties).filter(([name]) => name !== 'type').map(([name, schema]: [string, Schema]) =>
    `| \`${name}\` | ${typeOf(schema).replaceAll('|', '\\|')} | ${required.includes(name) ? 'always' : 'optional'} | ${schema.description ?? ''} |`);
  return [
    `#### \`${String(type)}\``, '', frame.purpose, '',
    ...(rows.length === 0 ? [] : ['| field | type | given | meaning |', '| --- | --- | --- | --- |', ...rows, '']),
  ].join('\n');
}

function sectionText({ title, intro, frames }: FrameSection): string {
  const of = (from: Frame['from'], heading: string): string => {
    const chosen = Object.values(frames).filter((frame) => frame.from === from);
    return chosen.length === 0 ? '' : `### ${heading}\n\n${chosen.map(frameText).join('\n')}\n`;
  };
  return `## ${title}\n\n${intro}\n\n${of('client', 'Client to server')}${of('server', 'Server to client')}`;
}

/** The whole text of docs/frames.md. */
export function framesDoc(sections: readonly FrameSection[], closeCodes: Readonly<Record<string, number>>): string {
  const reconnect = new Set([1001, 1012, 1013, 4000, 4003]);
  const closes = Object.entries(closeCodes).map(([name, code]) => `| ${code} | ${name.toLowerCase().replaceAll('_', ' ')} | ${reconnect.has(code) ? 'yes' : 'no'} |`);
  return `<!-- Made by \`npm run generate\` from the frame schemas: do not edit. -->
# Frames

Frames are JSON objects in text frames of a WebSocket. The server refuses unknown fields and answers with an \`error\` frame; a
client ignores types and fields that it does not know.

${sections.map(sectionText).join('\n')}
## Close codes

The reason is JSON: \`{"code","retryAfterMs"?}\` with a code of [errors.md](errors.md).

| code | meaning | reconnect |
| --- | --- | --- |
${closes.join('\n')}
`;
}
