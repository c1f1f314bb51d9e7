/** One ajv for HTTP bodies, parameters and frames: the schemas that validate are the ones that the documentation shows. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FieldError } from '../errors.js';

export type { ValidateFunction } from 'ajv';

/** More faults than these are of no use to a reader. */
const MAX_FIELD_ERRORS = 20;
const DATE_TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const POSITION = /^[0-9a-f]{8}-\d{12}-\d{2}$/;
const CONTROL = /[^\P{Cc}\n\t]/u;
const LONE_SURROGATE = /\p{Cs}/u;

/** Milliseconds of a time as in RFC 3339, a leap second as the second before it; undefined: it is none. */
export function instantOf(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined;
  // Date.parse takes the 30th of February for the 2nd of March.
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return undefined;
  const millis = Date.parse(text.replace(/:60(?=[.Z+-])/i, ':59'));
  return Number.isNaN(millis) ? undefined : millis;
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** What the formats mean, for messages to the caller. */
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': 'must be a time as in RFC 3339, for example 2026-01-31T12:00:00Z',
  locale: 'must be a language tag as in BCP 47, for example de-AT',
  plain: 'must not hold control characters other than line feed and tab, nor lone surrogates',
  'well-formed': 'must not hold lone surrogates',
  name: 'is not a name that may be used',
  position: 'must be a position exactly as an answer or frame gave it',
};

/**
 * Keywords beyond JSON Schema: `x-nfc: true` replaces a string by its NFC form before any other rule looks at it.
 * Lengths count Unicode code points. Unknown fields are refused where the schema says `additionalProperties: false`.
 */
export function createAjv(options: { readonly coerce?: boolean } = {}): Ajv {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, strictRequired: false, strictTypes: false, coerceTypes: options.coerce ?? false, removeAdditional: false, useDefaults: false });
  ajv.addFormat('date-time', (text: string) => instantOf(text) !== undefined);
  ajv.addFormat('locale', isLocale);
  ajv.addFormat('plain', (text: string) => !CONTROL.test(text) && !LONE_SURROGATE.test(text));
  ajv.addFormat('position', POSITION);
  // Names become names of a map: the one that JavaScript gives a meaning of its own is refused.
  ajv.addFormat('name', (text: string) => text !== '__proto__' && !LONE_SURROGATE.test(text));
  ajv.addFormat('well-formed', (text: string) => !LONE_SURROGATE.test(text));
  ajv.addKeyword({
    keyword: 'x-nfc', type: 'string', schemaType: 'boolean', before: 'maxLength', modifying: true, errors: false,
    validate(wanted: boolean, data: string, _parent?: unknown, context?: { parentData: Record<string, unknown>; parentDataProperty: string | number }) {
      if (wanted && context) context.parentData[context.parentDataProperty] = data.normalize('NFC');
      return true;
    },
  });
  // Words for OpenAPI only.
  for (const keyword of ['example', 'x-order']) ajv.addKeyword({ keyword });
  return ajv;
}

/** Errors of ajv as fields by JSON pointer. */
export function fieldErrors(errors: readonly ErrorObject[] | null | undefined): FieldError[] {
  const found: FieldError[] = [];
  for (const error of errors ?? []) {
    // The branches of a choice fail one by one; the choice itself says it once.
    if (/\/(oneOf|anyOf)\/\d+\//.test(error.schemaPath)) continue;
    found.push({ pointer: pointerOf(error), detail: detailOf(error) });
    if (found.length === MAX_FIELD_ERRORS) break;
  }
  return found;
}

function pointerOf(error: ErrorObject): string {
  const params = error.params as { additionalProperty?: string; missingProperty?: string; propertyName?: string };
  const name = params.additionalProperty ?? params.missingProperty ?? (error.keyword === 'propertyNames' ? params.propertyName : undefined) ?? error.propertyName;
  return name === undefined ? error.instancePath : `${error.instancePath}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function detailOf(error: ErrorObject): string {
  switch (error.keyword) {
    case 'additionalProperties': return 'is not a known field';
    case 'required': return 'is required';
    case 'oneOf': return oneOfDetail(error);
    case 'format': return FORMATS[String((error.params as { format?: string }).format)] ?? error.message ?? 'has the wrong form';
    default: return error.message ?? 'breaks a rule';
  }
}

function oneOfDetail(error: ErrorObject): string {
  const branches = (error.parentSchema?.oneOf ?? error.schema) as readonly { required?: readonly string[] }[] | undefined;
  const names = (branches ?? []).flatMap((branch) => branch.required ?? []);
  return names.length > 0 ? `needs exactly one of ${names.join(' and ')}` : 'must match exactly one of its forms';
}

/** One line for frames, which have no list of fields. */
export function detailLine(validate: ValidateFunction): string {
  return fieldErrors(validate.errors).slice(0, 3).map((field) => `${field.pointer === '' ? 'The frame' : field.pointer} ${field.detail}`).join('; ');
}
