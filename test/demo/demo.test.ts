import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import licenses from 'spdx-license-list/full.js';
import type { DemoReport } from '../../examples/demo/demo-report.ts';

// Scope: `npm run demo` as a whole, against the stand-in. What the answer says is compared with facts that this
// test finds for itself in the licence texts, with plain string search.

const MAIN = fileURLToPath(new URL('../../examples/demo/main.ts', import.meta.url));
// A kill, another worker, and calls that are noticed as lost after ten seconds, on a machine that may be busy.
jest.setTimeout(240_000);

let home: string;
let report: DemoReport;
let said: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'rlm-demo-'));
  const env = Object.entries(process.env).filter(
    ([name]) => !/^(OPENAI|RLM|TEMPORAL|NODE_OPTIONS)/.test(name),
  );
  const child = spawn(process.execPath, [MAIN, '--json'], {
    env: { ...Object.fromEntries(env), RLM_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  said = stderr;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  report = JSON.parse(stdout) as DemoReport;
});

afterAll(() => rm(home, { recursive: true, force: true }));

/** One line for any spacing. */
function words(passage: string): string {
  return passage.replaceAll(/\s+/g, ' ').trim();
}

interface Finding {
  id: string;
  quotes: string[];
}

/** `- **Section 2, 3D Slicer License v1.0 (3D-Slicer-1.0)**: …`, then its quotes. */
function findings(part: string): Finding[] {
  const found: Finding[] = [];
  for (const line of part.split('\n')) {
    const id = /^- \*\*Section \d+, .* \(([^()]+)\)\*\*/.exec(line)?.[1];
    const quote = /^\s*> (.*)$/.exec(line)?.[1];
    if (id !== undefined) found.push({ id, quotes: [] });
    else if (quote !== undefined) found.at(-1)?.quotes.push(quote);
  }
  return found;
}

function parts(): Map<string, Finding[]> {
  const sections = (report.answer ?? '').split(/^## /m).slice(1);
  return new Map(sections.map((part) => [part.split('\n', 1)[0] ?? '', findings(part)]));
}

describe('the answer', () => {
  test('every section that it names holds an indemnity, and every quote stands there word for word', () => {
    const named = [...parts().values()].flat();
    expect(named.length).toBeGreaterThan(40);
    for (const { id, quotes } of named) {
      const licence = words(licenses[id]?.licenseText ?? '');
      expect({ id, holds: /indemnif/i.test(licence) }).toEqual({ id, holds: true });
      expect({ id, quotes: quotes.length > 0 }).toEqual({ id, quotes: true });
      for (const quote of quotes) {
        expect({ id, quote, stands: licence.includes(words(quote)) }).toEqual({
          id,
          quote,
          stands: true,
        });
      }
    }
  });

  test('no section with an indemnity is missing', () => {
    const named = new Set([...parts().values()].flat().map(({ id }) => id));
    // Equal texts are in the contract once, under the first of their ids; the prior agreements are not in it.
    const namedTexts = new Set([...named].map((id) => words(licenses[id]?.licenseText ?? '')));
    const prior =
      /^(AGPL-3\.0|GPL-2\.0|GPL-3\.0|LGPL-2\.1|Apache-2\.0|CDDL-1\.0|EPL-2\.0|MPL-2\.0)/;
    const missing = Object.entries(licenses)
      .filter(([id, { licenseText }]) => /indemnif/i.test(licenseText) && !prior.test(id))
      .filter(([, { licenseText }]) => !namedTexts.has(words(licenseText)))
      .map(([id]) => id);
    expect(missing).toEqual([]);
  });

  test('was revised: no quote is cut short', () => {
    expect(report.answer).not.toContain(' …');
    expect(said).toMatch(/draft v1, /);
    expect(said).toMatch(/ended · .* · draft v2, /);
  });

  test('is said to come from something without intelligence', () => {
    expect(said).toMatch(/It has NO INTELLIGENCE/);
    expect([report.standIn, report.models.root]).toEqual([true, 'stand-in-root']);
  });
});

describe('the kill', () => {
  test('came half-way through the parallel round', () => {
    const { kill } = report;
    expect(kill).not.toBeNull();
    expect(kill?.kernelHosts).not.toEqual([]);
    expect(kill?.answered).toBeGreaterThanOrEqual((kill?.total ?? 0) / 2);
    expect(kill?.answered).toBeLessThan(kill?.total ?? 0);
    for (const pid of [kill?.worker, ...(kill?.kernelHosts ?? [])]) {
      expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
    }
  });

  test('repeated only calls that were in flight', () => {
    const { repeats } = report;
    expect(repeats).not.toBeNull();
    expect(repeats?.repeated).toBeLessThanOrEqual(repeats?.inFlight ?? -1);
    expect(repeats?.repeated).toBeGreaterThanOrEqual(0);
    expect(repeats?.before).toBe((repeats?.stored ?? 0) + (repeats?.inFlight ?? 0));
    // As many as were in flight at once, not the whole round.
    expect(repeats?.inFlight).toBeLessThanOrEqual(10);
  });

  test('changed nothing: the heap after every cell is that of an undisturbed run', () => {
    expect(report.comparedWith).toBe('undisturbed run');
    expect(report.cells.map(({ cell }) => cell)).toEqual(
      Array.from({ length: report.spend.turns }, (_, turn) => `${turn + 1}.1`),
    );
    expect(report.cells.map(({ heapDigest }) => heapDigest)).toEqual(
      report.cells.map(({ undisturbed }) => undisturbed),
    );
  });
});

test('the time split adds up to the time of the run', () => {
  const { run, undisturbed } = report.times;
  for (const split of [run, undisturbed]) {
    const sum =
      (split?.kernel ?? 0) +
      (split?.model ?? 0) +
      (split?.ingest ?? 0) +
      (split?.lost ?? 0) +
      (split?.temporal ?? 0);
    expect(sum).toBeCloseTo(split?.total ?? 0, 3);
  }
  // Waiting for lost calls is part of the killed run only.
  expect(run.lost).toBeGreaterThan(1000);
  expect(undisturbed?.lost).toBe(0);
});

test('leaves nothing running', async () => {
  const server = JSON.parse(await readFile(join(home, 'temporal.db.server.json'), 'utf8')) as {
    pid: number;
  };
  expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
});
