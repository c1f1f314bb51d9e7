/** What commands use of inspection; the routes of a server are in routes.ts. */
export { decodeValue, toJson, type Decoded } from './decode.js';
export { Follower } from './follower.js';
export { lagOf, type TopicLag } from './lag.js';
export { LiveHops } from './live-hops.js';
export { merged, newestOf, type PartitionSpan, type PlacedRecord } from './records.js';
export { StoryReader, type Story, type StoryTurn } from './story.js';
export { partitionOfKey, storyTopics } from './story-topics.js';
export { messageOf } from './story-tracker.js';
export { describeRecord } from './summary.js';
export { offsetAtTime, offsetFrom, offsetOfCaused, type From } from './whence.js';
export type { RecordView } from './record-view.js';
