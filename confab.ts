#!/usr/bin/env node
/**
 * The door of the program: says in one line what to do when Node is too old, before anything newer is even read.
 * Only this file and what it imports are seen by an old Node, so they keep to syntax and modules of Node 14.
 */
import { nodeFault } from './platform/node-version.js';

const fault = nodeFault(process.versions.node);
if (fault === undefined) {
  await import('./main.js');
} else {
  process.stderr.write(fault + '\n');
  process.exitCode = 1;
}
