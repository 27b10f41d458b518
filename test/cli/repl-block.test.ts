import { describe, expect, test } from '@jest/globals';
import { blockState } from '../../cli/repl-block.ts';

describe('blockState', () => {
  test.each([
    [''],
    ['x = 1'],
    ['# def f():'],
    ['d = {"a": 1}  # :'],
    ['s = "("'],
    [String.raw`s = '\'('`],
    ['x = "unterminated'],
    ['x = )'],
    ["s = '''one'''"],
    ['print(1', ')'],
    ['x = 1 + \\', '  2'],
    ["s = '''", ':', "'''"],
    ['def f():', '  return 1', ''],
    ['@cache', 'def f(): pass', ''],
    ['if x: pass', ''],
  ])('%j is complete', (...lines) => {
    expect(blockState(lines)).toBe('complete');
  });

  test.each([
    ['def f():'],
    ['def f():', '  return 1'],
    ['if x:  # why'],
    ['@cache'],
    ['@cache', 'def f(): pass'],
    ['print(1'],
    ['print(1', ''],
    ['x = [', '  "]",'],
    ['x = 1 + \\'],
    ['s = """'],
    ['s = """', ''],
    [String.raw`s = '''\'''`],
    ['async def f():', '', '  pass'].slice(0, 1),
  ])('%j wants another line', (...lines) => {
    expect(blockState(lines)).toBe('incomplete');
  });
});
