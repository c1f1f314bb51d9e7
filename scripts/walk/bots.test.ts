import { walkGroup } from './documents.js';

walkGroup('bots');
