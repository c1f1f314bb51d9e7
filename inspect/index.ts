/** What commands use of inspection; the routes of a server are in routes.ts. */
export { Follower } from './follower.js';
export { LiveHops } from './live-hops.js';
export { StoryReader, type Story, type StoryTurn } from './story.js';
export { storyTopics } from './story-topics.js';
export { offsetFrom, type From } from './whence.js';
export type { RecordView } from './record-view.js';
