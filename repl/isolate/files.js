/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping, typescript/no-floating-promises -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// The in-memory file system of a kernel as bytes and back: nodes (path, mode, times, inode, content), open descriptors
// (with shared offsets), the working directory. What is in the base file system and was not changed is left out.
'use strict';
globalThis._files = (FS) => {
  const SKIP = /^\/(?:dev|proc)(?:\/|$)/;
  const isFile = FS.isFile.bind(FS);
  const isDir = FS.isDir.bind(FS);
  const isLink = FS.isLink.bind(FS);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  const walk = (visit, path = '/') => {
    for (const name of FS.readdir(path)) {
      if (name === '.' || name === '..') continue;
      const full = path === '/' ? '/' + name : path + '/' + name;
      if (SKIP.test(full)) continue;
      const { node } = FS.lookupPath(full, { follow: false });
      visit(full, node);
      if (isDir(node.mode)) walk(visit, full);
    }
  };
  const stamp = (node) =>
    [node.mode, node.id, node.usedBytes ?? 0, Number(node.mtime), Number(node.ctime)].join();
  const base = new Map();
  walk((path, node) => base.set(path, stamp(node)));
  const baseInode = FS.nextInode;

  const contentOf = (node) =>
    node.contents
      ? new Uint8Array(
          node.contents.subarray ? node.contents.subarray(0, node.usedBytes) : node.contents,
        )
      : new Uint8Array(0);

  const held = (node) => isFile(node.mode) || isDir(node.mode);

  /** Pipes and sockets end with the cell that opened them: they lead nowhere, and an image does not hold them. */
  const rest = () => {
    FS.streams.forEach((stream) => {
      if (stream && stream.fd >= 3 && !(stream.node && held(stream.node))) FS.close(stream);
    });
  };

  const save = () => {
    const nodes = [];
    const contents = [];
    const byNode = new Map();
    const seen = new Set();
    let total = 0;
    const add = (node, path) => {
      if (byNode.has(node)) return byNode.get(node);
      const entry = {
        path,
        mode: node.mode,
        id: node.id,
        at: [Number(node.atime), Number(node.mtime), Number(node.ctime)],
      };
      if (isFile(node.mode)) {
        const bytes = contentOf(node);
        entry.size = bytes.length;
        contents.push(bytes);
        total += bytes.length;
      } else if (isLink(node.mode)) entry.link = node.link;
      byNode.set(node, nodes.length);
      nodes.push(entry);
      return nodes.length - 1;
    };
    walk((path, node) => {
      seen.add(path);
      if (base.get(path) !== stamp(node)) add(node, path);
    });
    const gone = [...base.keys()].filter((path) => !seen.has(path));
    const streams = [];
    FS.streams.forEach((stream, fd) => {
      if (!stream || fd < 3) return;
      const shared = FS.streams.findIndex((other) => other && other.shared === stream.shared);
      const linked =
        FS.streams.length >= 0 &&
        seen.has(stream.path) &&
        base.get(stream.path) === stamp(stream.node);
      streams.push({
        fd,
        flags: stream.flags,
        position: stream.position,
        path: stream.path,
        shared,
        node: linked ? null : add(stream.node, null),
      });
    });
    const cwd = FS.currentPath;
    if (
      nodes.length === 0 &&
      gone.length === 0 &&
      streams.length === 0 &&
      cwd === baseCwd &&
      FS.nextInode === baseInode
    ) {
      return new ArrayBuffer(0);
    }
    const head = encoder.encode(
      JSON.stringify({ nodes, gone, streams, cwd, nextInode: FS.nextInode }),
    );
    const out = new Uint8Array(4 + head.length + total);
    new DataView(out.buffer).setUint32(0, head.length, true);
    out.set(head, 4);
    let at = 4 + head.length;
    for (const bytes of contents) {
      out.set(bytes, at);
      at += bytes.length;
    }
    return out.buffer;
  };
  const baseCwd = FS.currentPath;

  // O_CREAT, O_EXCL and O_TRUNC belong to the first opening only.
  const OPEN_ONCE = 0o100 | 0o200 | 0o1000;

  /** Only into a kernel whose file system is the base's. */
  const load = (buffer) => {
    if (buffer.byteLength === 0) return;
    const bytes = new Uint8Array(buffer);
    const headBytes = new DataView(buffer).getUint32(0, true);
    const image = JSON.parse(decoder.decode(bytes.subarray(4, 4 + headBytes)));
    let at = 4 + headBytes;
    for (const path of image.gone.toReversed()) {
      if (isDir(FS.lookupPath(path, { follow: false }).node.mode)) FS.rmdir(path);
      else FS.unlink(path);
    }
    const made = image.nodes.map((entry, index) => {
      const path = entry.path ?? '/tmp/.unlinked-' + index;
      if (isDir(entry.mode)) FS.mkdirTree(path);
      else if (isLink(entry.mode)) FS.symlink(entry.link, path);
      else {
        FS.writeFile(path, bytes.subarray(at, at + entry.size));
        at += entry.size;
      }
      const { node } = FS.lookupPath(path, { follow: false });
      node.mode = entry.mode;
      node.id = entry.id;
      return { node, path, entry };
    });
    const opened = new Map();
    for (const { fd, flags, position, path, shared, node } of image.streams) {
      const stream = FS.open(node === null ? path : made[node].path, flags & ~OPEN_ONCE);
      if (stream.fd !== fd) {
        FS.streams[stream.fd] = null;
        FS.streams[fd] = stream;
        stream.fd = fd;
      }
      if (shared !== fd && opened.has(shared)) stream.shared = opened.get(shared).shared;
      stream.path = path;
      stream.position = position;
      stream.flags = flags;
      opened.set(fd, stream);
    }
    for (const { path, entry } of made) if (entry.path === null) FS.unlink(path);
    // Last: all of the above changes times.
    for (const { node, entry } of made) {
      const [atime, mtime, ctime] = entry.at;
      Object.assign(node, { atime, mtime, ctime });
    }
    FS.chdir(image.cwd);
    FS.nextInode = image.nextInode;
  };
  return { restFiles: rest, saveFiles: save, loadFiles: load };
};
