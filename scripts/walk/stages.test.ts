import { walkGroup } from './documents.js';

walkGroup('stages');
