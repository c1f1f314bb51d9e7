import { MemoryNodeBoard } from './memory.js';
import { nodeBoardContract } from './node-board.contract.js';

nodeBoardContract('memory', () => ({ board: new MemoryNodeBoard(), elsewhere: new MemoryNodeBoard() }));
