import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { HostGone, HostProcess } from '../../../repl/host/host-process.ts';

const hostAt = (name: string, answerMs?: number): Promise<HostProcess> =>
  HostProcess.start({
    ...(answerMs === undefined ? {} : { answerMs }),
    baseFolder: null,
    parkedMiB: 0,
    warmKernels: 0,
    main: join(import.meta.dirname, 'hosts', name),
  });

describe('the process of a kernel host', () => {
  test('can do nothing that would matter: no file, no socket, no child, no thread, no environment', async () => {
    process.env['OPENAI_API_KEY'] = 'secret-of-the-worker';
    try {
      const refusal = await hostAt('probe.ts').then(
        () => new Error('it served'),
        (error: Error) => error,
      );
      expect(refusal).toBeInstanceOf(HostGone);
      const report: unknown = JSON.parse(refusal.message.replace(/^.*?cannot serve: /, ''));
      expect(report).toEqual({
        'read a file of the machine': 'ERR_ACCESS_DENIED',
        'read the environment of its process': 'ERR_ACCESS_DENIED',
        'list the root folder': 'ERR_ACCESS_DENIED',
        'write a file': 'ERR_ACCESS_DENIED',
        'write into its own folder': 'ERR_ACCESS_DENIED',
        'make a folder': 'ERR_ACCESS_DENIED',
        'start a child': 'ERR_ACCESS_DENIED',
        'start a thread': 'ERR_ACCESS_DENIED',
        'connect to a port': 'ERR_ACCESS_DENIED',
        'listen on a port': 'ERR_ACCESS_DENIED',
        'resolve a name': 'ERR_ACCESS_DENIED',
        'send a datagram': 'ERR_ACCESS_DENIED',
        environment: '{"TZ":"UTC","LANG":"C.UTF-8"}',
      });
    } finally {
      delete process.env['OPENAI_API_KEY'];
    }
  });
});

describe('a hostile kernel host', () => {
  const asked = async (way: string): Promise<{ host: HostProcess; answer: Promise<unknown> }> => {
    const host = await hostAt('hostile.ts');
    return { host, answer: host.ask({ op: 'take', key: way }).then(({ result }) => result) };
  };

  test.each([
    ['garbage', 'broke the protocol: frame of'],
    ['no JSON', 'broke the protocol: a frame holds no JSON'],
    [
      'huge JSON',
      'broke the protocol: frame of 2147483648 bytes of JSON and 0 attachments refused',
    ],
    [
      'many attachments',
      'broke the protocol: frame of 2 bytes of JSON and 2147483648 attachments refused',
    ],
    ['huge attachment', 'broke the protocol: frame with 4294967295 bytes of attachments refused'],
    ['another shape', 'broke the protocol:'],
    ['wrong result', 'broke the protocol:'],
    ['unknown fault', 'broke the protocol:'],
    ['ends inside a frame', 'ended (SIGKILL)'],
  ])(
    '%s: every request fails, the process is ended, no memory is kept for what it announces',
    async (way, why) => {
      const { host, answer } = await asked(way);
      const waiting = host.ask({ op: 'take', key: 'never answers' });
      waiting.catch(() => {});
      const error = await answer.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(HostGone);
      expect(String(error)).toContain(`HostGone: the kernel host ${why}`);
      await expect(waiting).rejects.toThrow(HostGone);
      await expect(host.ask({ op: 'take', key: 'x' })).rejects.toThrow(HostGone);
      expect(host.alive).toBe(false);
      await host.dispose();
    },
  );

  test.each(['unknown request', 'answers twice'])(
    '%s: only the answer to the request counts',
    async (way) => {
      const { host, answer } = await asked(way);
      await expect(answer).resolves.toEqual({ kernel: 1, computeMs: 0 });
      expect(host.alive).toBe(true);
      await host.dispose();
    },
  );

  test('never answers: disposing of it fails the requests that wait', async () => {
    const { host, answer } = await asked('never answers');
    const failed = expect(answer).rejects.toThrow(new HostGone('the kernel host was disposed of'));
    await host.dispose();
    await failed;
  });

  test('closes its output: the requests that wait fail', async () => {
    const { host, answer } = await asked('closes its output');
    await expect(answer).rejects.toThrow(new HostGone('the kernel host closed its output'));
    expect(host.alive).toBe(false);
    await host.dispose();
  });

  test('never answers: it is given up after its time', async () => {
    const host = await hostAt('hostile.ts', 50);
    await expect(host.ask({ op: 'take', key: 'never answers' })).rejects.toThrow(
      new HostGone('the kernel host did not answer take within 50 ms'),
    );
    expect(host.alive).toBe(false);
    await host.dispose();
  });
});
