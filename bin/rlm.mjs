#!/usr/bin/env node
// Plain JavaScript that any Node since 14 can parse: it must still be able to say that this Node is too old.
import { existsSync } from 'node:fs';

const OLDEST_NODE = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < OLDEST_NODE) {
  console.error(
    `rlm: Node ${process.versions.node} is too old: durable-rlm needs Node ${OLDEST_NODE} or newer. ` +
      `Install it, or in a checkout use "npm run rlm -- …", which brings its own Node.`,
  );
  process.exitCode = 1;
} else {
  const built = new URL('../dist/cli/main.js', import.meta.url);
  const source = new URL('../cli/main.ts', import.meta.url);
  await import((existsSync(built) ? built : source).href);
}
