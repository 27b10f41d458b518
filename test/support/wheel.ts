import { crc32, deflateRawSync } from 'node:zlib';

/** A wheel as programs that build one write it: a ZIP archive with its `WHEEL` and `METADATA`. */
export function makeWheel(
  file: string,
  files: Readonly<Record<string, string>>,
  about: { pure?: boolean; info?: boolean } = {},
): { file: string; bytes: Buffer } {
  const [name = '', version = ''] = file.split('-');
  const info = `${name}-${version}.dist-info`;
  const { pure = true, info: hasInfo = true } = about;
  const own = hasInfo
    ? {
        [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
        [`${info}/WHEEL`]: `Wheel-Version: 1.0\nRoot-Is-Purelib: ${pure}\nTag: py3-none-any\n`,
      }
    : {};
  return { file, bytes: zip({ ...files, ...own }) };
}

const STARTS = { file: 0x04034b50, directory: 0x02014b50, end: 0x06054b50 };

function zip(files: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [path, text] of Object.entries(files)) {
    const [name, data] = [Buffer.from(path), Buffer.from(text)];
    const packed = deflateRawSync(data);
    // Version 2.0, UTF-8 names, deflated, the first day that the format knows.
    const common = numbers([20, 2], [0x800, 2], [8, 2], [0, 2], [0x21, 2], [crc32(data), 4]);
    const sizes = numbers([packed.length, 4], [data.length, 4], [name.length, 2], [0, 2]);
    const body = Buffer.concat([numbers([STARTS.file, 4]), common, sizes, name, packed]);
    const rest = numbers([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]);
    const start = numbers([STARTS.directory, 4], [20, 2]);
    directory.push(Buffer.concat([start, common, sizes, rest, name]));
    bodies.push(body);
    at += body.length;
  }
  const listed = Buffer.concat(directory);
  const count = directory.length;
  const end = numbers(
    [STARTS.end, 4],
    [0, 2],
    [0, 2],
    [count, 2],
    [count, 2],
    [listed.length, 4],
    [at, 4],
    [0, 2],
  );
  return Buffer.concat([...bodies, listed, end]);
}

/** Little-endian numbers, each with its bytes. */
function numbers(...values: ReadonlyArray<readonly [value: number, bytes: number]>): Buffer {
  return Buffer.concat(
    values.map(([value, bytes]) => {
      const buffer = Buffer.alloc(bytes);
      buffer.writeUIntLE(value, 0, bytes);
      return buffer;
    }),
  );
}
