/** Files of this machine: a path, a folder or a glob pattern. Uploaded by the client as they are; a worker reads them. */
export class LocalFiles {
  readonly location: string;

  constructor(location: string) {
    this.location = location;
  }
}

/** The bytes of one file of any format, for instance from a browser's upload or standard input. */
export class FileBytes {
  readonly name: string;
  readonly bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.bytes = bytes;
  }
}

/**
 * What the worker fetches itself, under its own rules: `s3://bucket/key`, a prefix `s3://bucket/folder/`,
 * `https://host/file`, or `worker:/folder/*.pdf`.
 */
export class RemoteFiles {
  readonly location: string;

  constructor(location: string) {
    this.location = location;
  }
}

export type InputFiles = LocalFiles | FileBytes | RemoteFiles;

export function isInputFiles(value: unknown): value is InputFiles {
  return value instanceof LocalFiles || value instanceof FileBytes || value instanceof RemoteFiles;
}

/** Locations that a worker reads, by their beginning. */
export function isRemoteLocation(location: string): boolean {
  return /^(s3:\/\/|https?:\/\/|worker:)/i.test(location);
}
