/**
 * JSON Schemas of a bot's files, for editors: made from the same shapes that the compiler reads by. They know the form of a
 * file; names that are not there, conditions and what several files say together are for `confab bot check`.
 */
import { flowForm } from './emit-flow.js';
import { NAME } from './fields.js';
import { entityForm } from './form-entity.js';
import { headForm } from './form-head.js';
import { examplesForm, intentForm } from './form-intent.js';
import { response } from './form-response.js';
import { actionForm } from './compile-action.js';
import { slotForm } from './form-slot.js';
import { recordSchema, type Definitions, type JsonSchema, type Shape } from './shapes.js';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** Of `bot.yaml`. */
export function headSchema(): JsonSchema {
  const definitions: Definitions = new Map();
  const head = recordSchema(headForm.fields, definitions);
  return finished('bot.yaml of a Confab bot', { ...head, properties: { ...(head.properties as JsonSchema), ...sections(definitions) } }, definitions);
}

/** Of every other YAML file of a bot's folder. */
export function partSchema(): JsonSchema {
  const definitions: Definitions = new Map();
  return finished('A file of a Confab bot', { type: 'object', additionalProperties: false, minProperties: 1, properties: sections(definitions) }, definitions);
}

function finished(title: string, schema: JsonSchema, definitions: Definitions): JsonSchema {
  return { $schema: DRAFT, title, ...schema, definitions: Object.fromEntries([...definitions].sort(([a], [b]) => a < b ? -1 : 1)) };
}

function sections(definitions: Definitions): JsonSchema {
  const named = (shape: Shape<unknown>, description: string, empty = false): JsonSchema => {
    const one = shape.schema(definitions);
    return { description, type: 'object', patternProperties: { [NAME.source]: empty ? { anyOf: [{ type: 'null' }, one] } : one }, additionalProperties: false };
  };
  return {
    intents: named(intentForm, 'What people want, by name'),
    outOfScope: { description: 'Texts that belong to no intent', ...examplesForm.schema(definitions) },
    entities: named(entityForm, 'What is found in texts, by name'),
    slots: named(slotForm, 'What a conversation holds, by name', true),
    responses: named(response, 'What the bot says, by name'),
    flows: named(flowForm, 'What the bot does, by name'),
    actions: named(actionForm, 'Calls to other systems, by name'),
  };
}

/** The text of a generated file. */
export function schemaText(schema: JsonSchema): string { return `${JSON.stringify(schema, null, 2)}\n`; }
