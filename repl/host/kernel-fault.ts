/** Why a kernel is of no more use. `image`: its image could not be restored. */
export type FaultKind = 'timeout' | 'memory' | 'limit' | 'crash' | 'image';

/** A kernel ended. Its input image is good; the kernel is thrown away, however alive it looks. */
export class KernelFault extends Error {
  override readonly name = 'KernelFault';
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message.slice(0, 1000));
    this.kind = kind;
  }
}

/** From an error of isolated-vm or, untrusted, from inside the isolate. */
export function toKernelFault(error: unknown): KernelFault {
  if (error instanceof KernelFault) return error;
  return faultFromText(error instanceof Error ? error.message : 'unknown error');
}

export function faultFromText(text: string): KernelFault {
  if (text.includes('Script execution timed out')) {
    return new KernelFault('timeout', 'the compute time of the cell is used up');
  }
  if (
    /memory limit|disposed during execution|Isolate is disposed|Array buffer allocation failed|Invalid typed array length/.test(
      text,
    )
  ) {
    return new KernelFault(
      'memory',
      'the cell used more memory than a kernel has outside its heap',
    );
  }
  // An error without any text is one of Python's whose text found no memory.
  if (
    text === '' ||
    /^PythonError:?\s*(?:\n\s+at |$)/.test(text) ||
    /^PythonError\b[^]*\nMemoryError\s*(?:\n\s+at |$)/.test(text)
  ) {
    return new KernelFault('memory', 'the heap is used up, to the last byte');
  }
  if (text.includes('Maximum call stack size exceeded')) {
    return new KernelFault('limit', 'recursion in C code went too deep');
  }
  if (text.startsWith('RuntimeError: unreachable')) {
    return new KernelFault('crash', 'the interpreter aborted');
  }
  return new KernelFault('crash', `the interpreter ended: ${printable(text).slice(0, 300)}`);
}

/** The text is the model's: kept to one line of printable characters, that of the exception where there is one. */
function printable(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  const line = (text.startsWith('PythonError') ? lines.at(-1) : lines[0]) ?? 'for no reason given';
  // eslint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '?');
}
