// oxlint-disable-next-line import/no-unassigned-import -- it must come first
import './thread-pool.ts';
import { runProgram } from './program.ts';

// A reader that closes its end early (rlm … | head) has what it wants.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runProgram(process.argv.slice(2));
