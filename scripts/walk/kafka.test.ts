import { walkGroup } from './documents.js';

walkGroup('kafka');
