import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTopology } from './describe.js';
import { dot, mermaid } from './graph.js';
import { topology } from './topology.js';

const SHAPE = `11 topics, 3 stages, 3 edges

topic messages.v1
  Every input of a conversation: the one door.
  record     Message, key conversation
  partitions 24
  kept       removed after 14 d
  appends    refused when older than 10 s
  written by ingress, dead-letters
  read by    intent, ingress, egress, dead-letters

topic intents.v1
  What was understood of each message; carries the message on.
  record     IntentDetected, key conversation
  partitions 24
  kept       removed after 14 d
  written by intent
  read by    dialogue, dead-letters

topic replies.v1
  The outcome of each message, exactly one.
  record     BotReply, key conversation
  partitions 24
  kept       removed after 14 d
  written by dialogue
  read by    analytics, egress

topic dialogue-states.v1
  Where each conversation stands; Redis is a view of it.
  record     DialogueState, key conversation
  partitions 24
  kept       newest of each key kept, removed after 90 d
  written by dialogue

topic timers.v1
  Timers that are set.
  record     Timer, key conversation+timer
  partitions 24
  kept       newest of each key kept

topic analytics.v1
  Counts and latencies by minute, bot, channel, intent and input partition.
  record     AnalyticsCount, key count
  partitions 24
  kept       newest of each key kept, removed after 90 d
  written by analytics

topic deliveries.v1
  What became of replies on their way to the person.
  record     DeliveryUpdate, key conversation
  partitions 24
  kept       removed after 30 d
  written by egress

topic dead-letters.v1
  Records that a stage could not process, whole, with the reason.
  record     DeadLetter, key conversation
  partitions 24
  kept       removed after 30 d
  written by dead-letters, intent, dialogue, analytics
  read by    egress, dead-letters

topic bots.v1
  Versions of bots.
  record     BotVersion, key name
  partitions 1
  kept       newest of each key kept

topic settings.v1
  Flags and settings changed at run time.
  record     Setting, key name
  partitions 1
  kept       newest of each key kept

topic user-keys.v1
  Sealing keys of data subjects.
  record     UserKey, key subject
  partitions 1
  kept       newest of each key kept

stage intent
  Finds the intent and the entities of each message.
  reads      messages.v1 as group confab.intent
  writes     intents.v1
  scope      conversation
  budget     30 s a record

stage dialogue
  Holds the conversation: one reply for each message.
  reads      intents.v1 as group confab.dialogue
  writes     replies.v1
  state      dialogue-states.v1
  scope      conversation
  budget     30 s a record

stage analytics
  Counts replies and their latency by minute.
  reads      replies.v1 as group confab.analytics
  writes     analytics.v1
  state      analytics.v1
  scope      partition, a commit every 1 s at most
  budget     30 s a record

edge ingress
  Accepts messages over HTTP and WebSocket.
  reads      messages.v1
  writes     messages.v1

edge egress
  Pushes outcomes over WebSockets and serves history.
  reads      replies.v1, dead-letters.v1, messages.v1
  writes     deliveries.v1

edge dead-letters
  Operators retry and discard dead letters.
  reads      dead-letters.v1, messages.v1, intents.v1
  writes     messages.v1, dead-letters.v1
  run as     a command, in the group confab.dead-letters
`;

const PICTURE = `flowchart LR
  ingress([ingress])
  egress([egress])
  dead_letters([dead-letters])
  messages_v1[(messages.v1)]
  intents_v1[(intents.v1)]
  replies_v1[(replies.v1)]
  dialogue_states_v1[(dialogue-states.v1)]
  analytics_v1[(analytics.v1)]
  deliveries_v1[(deliveries.v1)]
  dead_letters_v1[(dead-letters.v1)]
  intent[intent]
  dialogue[dialogue]
  analytics[analytics]
  ingress --> messages_v1
  messages_v1 --> ingress
  egress --> deliveries_v1
  replies_v1 --> egress
  dead_letters_v1 --> egress
  messages_v1 --> egress
  dead_letters --> messages_v1
  dead_letters --> dead_letters_v1
  dead_letters_v1 --> dead_letters
  messages_v1 --> dead_letters
  intents_v1 --> dead_letters
  messages_v1 --> intent
  intent --> intents_v1
  intent --> dead_letters_v1
  intents_v1 --> dialogue
  dialogue --> replies_v1
  dialogue <-.->|state| dialogue_states_v1
  dialogue --> dead_letters_v1
  replies_v1 --> analytics
  analytics <-.->|state| analytics_v1
  analytics --> dead_letters_v1
`;

test('the topology prints itself: a change of shape shows here', () => {
  assert.equal(describeTopology(topology, { prefix: '', partitions: 24 }), SHAPE);
});

test('a prefix and a number of partitions show in the text', () => {
  const text = describeTopology(topology, { prefix: 'staging.', partitions: 6 });
  assert.match(text, /prefix staging\./);
  assert.match(text, /as group staging\.confab\.intent/);
  assert.equal(text.match(/partitions 6$/gm)?.length, 8);
});

test('the picture has every stage, edge and topic in use, for Mermaid and for Graphviz', () => {
  assert.equal(mermaid(topology), PICTURE);
  const graph = dot(topology);
  assert.match(graph, /^digraph confab \{\n/);
  assert.match(graph, /"dialogue" -> "dialogue-states\.v1" \[dir=both, style=dashed, label=state\];/);
  assert.equal(graph.match(/->/g)?.length, PICTURE.match(/-->|<-\.->/g)?.length);
});
