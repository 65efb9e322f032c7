import type { Command } from 'commander';
import type { Context } from './context.js';

/** What a file under commands/ exports: adds arguments, options, examples and the action to a command that has its name already. */
export type Configure = (command: Command, context: Context) => void;
