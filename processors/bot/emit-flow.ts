/** Section `flows`: steps to a flat list of instructions with jump targets, each with a name of its own. */
import type { Context } from './context.js';
import type { Place } from './faults.js';
import { asMap } from './fields.js';
import { literalOf } from './form-template.js';
import { steps, type Step } from './form-step.js';
import { may, nameOf, need, oneOrMore, record, reference, type Placed } from './shapes.js';
import type { Entry } from './sections.js';
import { canonical } from './slot-values.js';
import { isOneOf } from './static-type.js';
import type { FlowDefinition, Instruction } from './types-flow.js';

const MOST_INSTRUCTIONS = 1000;

export const flowForm = record({
  on: may(oneOrMore(nameOf('intents'), 'on'), 'The intents that begin it', [] as Placed<string>[]),
  do: need(steps, 'Its steps, in order'),
  carry: may(oneOrMore(reference('slots'), 'a slot', { most: 20 }), 'Slots that a later message alone may change, and the flow answers again', [] as Placed<number>[]),
});

export interface CompiledFlow { readonly flow: FlowDefinition; readonly on: readonly Placed<string>[] }

export function compileFlow(entry: Entry, context: Context): CompiledFlow {
  const { name, place } = entry;
  const map = asMap(entry.tree, `flow "${name}"`, context.faults);
  if (!map) return { flow: { name, code: [], labels: [], asks: [], carries: [] }, on: [] };
  const found = flowForm.readMap(map, `flow "${name}"`, context);
  const emitter = new Emitter(name, context);
  emitter.steps(found.do ?? []);
  const { code, labels } = emitter;
  if (code.length > MOST_INSTRUCTIONS) context.faults.error(place, `flow "${name}" has more than ${MOST_INSTRUCTIONS} steps`);
  const asks = [...new Set(code.flatMap((instruction) => instruction.op === 'ask' ? [instruction.slot] : []))];
  return { flow: { name, code, labels, asks, carries: found.carry.map((one) => one.value) }, on: found.on };
}

class Emitter {
  readonly code: Instruction[] = [];
  readonly labels: string[] = [];
  private readonly taken = new Map<string, number>();

  constructor(private readonly flow: string, private readonly context: Context) {}

  steps(list: readonly Step[]): void {
    list.forEach((step, index) => {
      const from = this.code.length;
      this.step(step);
      this.context.sources?.step(this.flow, from, this.code.length, step.place);
      const next = list[index + 1];
      if (next && leaves(step)) this.context.faults.warn(next.place, 'this step is never reached: the one before does not come back');
    });
  }

  private add(instruction: Instruction, label: string): number {
    const seen = (this.taken.get(label) ?? 0) + 1;
    this.taken.set(label, seen);
    this.labels.push(seen === 1 ? label : `${label}~${seen}`);
    return this.code.push(instruction) - 1;
  }

  private step({ body, id, place }: Step): void {
    if (id !== null && this.taken.has(id)) this.context.faults.error(place, `the id "${id}" stands twice in the flow`);
    switch (body.do) {
      case 'say': this.add({ op: 'say', response: body.index }, id ?? `say:${body.name}`); return;
      case 'ask': this.add({ op: 'ask', slot: body.index }, id ?? `ask:${body.name}`); return;
      case 'go': case 'call': this.add({ op: body.do, flow: body.index }, id ?? `${body.do}:${body.name}`); return;
      case 'clear': this.add({ op: 'clear', slots: body.slots }, id ?? 'clear'); return;
      case 'handoff': this.add({ op: 'handoff', reason: body.reason }, id ?? 'handoff'); return;
      case 'cancel': case 'end': this.add({ op: body.do }, body.do); return;
      case 'answer': this.add({ op: 'answer', fallback: body.fallback, knowledge: body.knowledge }, id ?? 'answer'); return;
      case 'remind': this.add({ op: 'remind', id: body.id, in: body.in, at: body.at, flow: body.flow }, id ?? `remind:${body.id}`); return;
      case 'forget_reminder': this.add({ op: 'forget_reminder', id: body.id }, id ?? `forget_reminder:${body.id}`); return;
      case 'set': this.set(body, id); return;
      case 'if': this.branch(body, id); return;
      case 'confirm': this.confirm(body, id); return;
      case 'act': this.act(body, id, place); return;
    }
  }

  private set({ slots }: Extract<Step['body'], { do: 'set' }>, id: string | null): void {
    for (const { slot, name, value, place } of slots) {
      const declared = this.context.declared.slots[slot];
      const literal = literalOf(value);
      if (declared && literal !== null && literal !== '' && canonical(declared.type, literal) === null) this.context.faults.error(place, `the slot "${name}" is of type ${declared.type}, which "${literal}" is not`);
      else if (declared?.oneOf && literal !== null && !isOneOf(literal, declared.oneOf)) this.context.faults.unknown(place, `value of the slot "${name}"`, literal, declared.oneOf);
      this.add({ op: 'set', slot, value }, id ?? `set:${name}`);
    }
  }

  private branch(body: Extract<Step['body'], { do: 'if' }>, id: string | null): void {
    const at = this.add({ op: 'jump', to: 0 }, id ?? 'if');
    this.steps(body.then);
    const over = body.else.length > 0 ? this.add({ op: 'jump', to: 0 }, 'jump') : -1;
    this.code[at] = { op: 'unless', condition: body.condition, to: this.code.length };
    this.otherwise(body.else, over);
  }

  private confirm(body: Extract<Step['body'], { do: 'confirm' }>, id: string | null): void {
    const name = this.context.responses.nameOf(body.response);
    const at = this.add({ op: 'jump', to: 0 }, id ?? `confirm:${name}`);
    this.steps(body.yes);
    const over = body.no.length > 0 ? this.add({ op: 'jump', to: 0 }, 'jump') : -1;
    this.code[at] = { op: 'confirm', response: body.response, no: this.code.length };
    this.otherwise(body.no, over);
  }

  private act(body: Extract<Step['body'], { do: 'act' }>, id: string | null, place: Place): void {
    this.checkCall(body, place);
    const at = this.add({ op: 'jump', to: 0 }, id ?? `act:${body.name}`);
    const over = body.onError === null ? -1 : this.add({ op: 'jump', to: 0 }, 'jump');
    this.code[at] = {
      op: 'act', action: body.action, error: body.onError === null ? -1 : this.code.length,
      with: body.with.map(({ name, value }) => ({ name, value })), into: body.into.map(({ slot, output }) => ({ slot, output })),
    };
    this.otherwise(body.onError ?? [], over);
  }

  /** Inputs and outputs are those of the action. */
  private checkCall(body: Extract<Step['body'], { do: 'act' }>, place: Place): void {
    const { declared, faults } = this.context;
    const action = declared.actions[body.action];
    if (!action) return;
    for (const one of body.with) if (!action.input.some((input) => input.name === one.name)) faults.unknown(one.place, `input of the action "${action.name}"`, one.name, action.input.map((input) => input.name));
    for (const one of body.into) if (!action.output.some((output) => output.name === one.output)) faults.unknown(one.place, `output of the action "${action.name}"`, one.output, action.output.map((output) => output.name));
    for (const input of action.input) if (input.required && !body.with.some((one) => one.name === input.name)) faults.error(place, `the action "${action.name}" needs the input "${input.name}"`);
  }

  /** Steps that `over` jumps over. */
  private otherwise(list: readonly Step[], over: number): void {
    this.steps(list);
    if (over >= 0) this.code[over] = { op: 'jump', to: this.code.length };
  }
}

/** Nothing behind the step is ever run. */
function leaves({ body }: Step): boolean {
  switch (body.do) {
    case 'go': case 'cancel': case 'end': return true;
    case 'if': return body.else.length > 0 && endsIn(body.then) && endsIn(body.else);
    case 'confirm': return body.no.length > 0 && body.yes.length > 0 && endsIn(body.yes) && endsIn(body.no);
    default: return false;
  }
}

function endsIn(list: readonly Step[]): boolean {
  const last = list.at(-1);
  return last !== undefined && leaves(last);
}
