/** Makes docs/http.md from the OpenAPI document, which comes from the schemas that check the requests. */

interface Schema { readonly type?: string | readonly string[]; readonly enum?: readonly unknown[]; readonly const?: unknown; readonly items?: Schema; readonly properties?: Readonly<Record<string, Schema>>; readonly required?: readonly string[]; readonly anyOf?: readonly Schema[]; readonly oneOf?: readonly Schema[]; readonly description?: string; readonly minLength?: number; readonly maxLength?: number; readonly minimum?: number; readonly maximum?: number; readonly default?: unknown; readonly format?: string; readonly maxProperties?: number; readonly $ref?: string }
interface Content { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>; readonly description?: string }
interface Parameter { readonly name: string; readonly in: string; readonly required?: boolean; readonly description?: string; readonly schema?: Schema }
interface Operation { readonly summary?: string; readonly description?: string; readonly tags?: readonly string[]; readonly parameters?: readonly Parameter[]; readonly requestBody?: Content; readonly responses?: Readonly<Record<string, Content>> }
export interface OpenApi { readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');

function typeOf(schema: Schema = {}): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined && schema.properties === undefined) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (schema.properties !== undefined) {
    const required = new Set(schema.required ?? []);
    return `{ ${Object.entries(schema.properties).map(([name, inner]) => `${name}${required.has(name) ? '' : '?'}: ${typeOf(inner)}`).join('; ')} }`;
  }
  return `${[schema.type ?? 'any'].flat().join(' or ')}${schema.format === undefined ? '' : ` (${schema.format})`}`;
}

function limits(schema: Schema = {}): string {
  const { minLength, maxLength, minimum, maximum, maxProperties } = schema;
  return [
    ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ...(maxLength === undefined ? [] : [`${minLength ?? 0} to ${maxLength} characters`]),
    ...(minimum === undefined && maximum === undefined ? [] : [`${minimum ?? '…'} to ${maximum ?? '…'}`]),
    ...(maxProperties === undefined ? [] : [`at most ${maxProperties}`]),
  ].join(', ');
}

const row = (name: string, where: string, schema: Schema | undefined, given: boolean, description = schema?.description ?? ''): string =>
  `| \`${name}\` | ${where} | ${cell([typeOf(schema), limits(schema)].filter((part) => part !== '').join('; '))} | ${given ? 'yes' : 'no'} | ${cell(description)} |`;

function schemaOf({ content = {} }: Content = {}): Schema | undefined {
  return Object.values(content)[0]?.schema;
}

function inputs({ parameters = [], requestBody }: Operation): string[] {
  const body = schemaOf(requestBody);
  const fields = Object.entries(body?.properties ?? {});
  const rows = [
    ...parameters.map((one) => row(one.name, one.in, one.schema, one.required === true, one.description)),
    ...fields.map(([name, schema]) => row(name, 'body', schema, body?.required?.includes(name) === true)),
  ];
  return rows.length === 0 ? [] : ['| name | in | type | required | meaning |', '| --- | --- | --- | --- | --- |', ...rows, ''];
}

function answers({ responses = {} }: Operation): string[] {
  const rows = Object.entries(responses).map(([status, answer]) => {
    const [type = ''] = Object.keys(answer.content ?? {});
    const schema = schemaOf(answer);
    const shape = type.includes('problem') ? 'problem, see [errors.md](errors.md)' : schema === undefined ? '' : cell(typeOf(schema));
    return `| ${status} | ${cell(answer.description === 'Default Response' ? '' : answer.description ?? '')} | ${shape} |`;
  });
  return rows.length === 0 ? [] : ['| status | meaning | body |', '| --- | --- | --- |', ...rows, ''];
}

/** The whole text of docs/http.md. */
export function httpDoc(document: OpenApi): string {
  const operations = Object.entries(document.paths ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => { const operation = methods[method]; return operation === undefined ? [] : [{ title: `${method.toUpperCase()} ${path}`, operation }]; }));
  return `<!-- Made by \`npm run generate\` from the schemas of the routes: do not edit. -->
# HTTP

The interface of a process with all roles; one with some of them has their routes. A running server says the same at \`GET /openapi.json\`
and, to read, at \`GET /docs\`. Bodies are JSON in UTF-8 and refuse unknown fields. Every refusal is a problem (RFC 9457) with a code of
[errors.md](errors.md), also where a route below does not list it. WebSockets open with GET and speak the frames of [frames.md](frames.md).

| beside the routes below | |
| --- | --- |
| \`GET /v1/stream\`, \`GET /v1/conversations/{conversationId}/stream\` | WebSocket: outcomes |
| \`GET /v1/ingest\` | WebSocket: messages |
| \`GET /v1/admin/conversations/{conversationId}/xray\` | WebSocket: X-ray |
| \`GET /health/live\`, \`GET /health/ready\`, \`GET /metrics\` | for schedulers and Prometheus, on every process |
| \`GET /\`, \`GET /widget.js\`, \`GET /docs\`, \`GET /openapi.json\` | pages |

${operations.map(({ title, operation }) => [`## \`${title}\``, '', ...[operation.summary, operation.description].flatMap((text) => (text === undefined ? [] : [text, ''])), ...inputs(operation), ...answers(operation)].join('\n')).join('\n')}`;
}
