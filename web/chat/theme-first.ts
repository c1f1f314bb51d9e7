/** Runs before the first paint, so that a chosen theme does not flash the other one. */
import { showTheme, storedTheme } from './theme.js';

showTheme(storedTheme());
