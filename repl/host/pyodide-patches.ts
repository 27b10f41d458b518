/**
 * Changes to Pyodide's JavaScript, each applied to exactly one place: another version of Pyodide fails here, loudly,
 * instead of losing a limit silently.
 */
const PATCHES: ReadonlyArray<{ why: string; find: string; replace: string }> = [
  {
    why: 'each Python stack has a place of its own in linear memory (kernel.js): Pyodide moves suspended ones out of the way, where the garbage collector still follows their frames',
    find: 'var stackTop;function enterTask(){',
    replace:
      'Module["limits"]={heapBytes:4294901760,filesBytes:Infinity,nodes:Infinity};' +
      'var stackTop;function enterTask(){Module["enterStack"]?.();return;',
  },
  {
    why: 'so a suspended stack is no more than its stack pointer',
    find: 'constructor(){this.start=stackSave();this.stop=Module.stackStop;',
    replace: 'constructor(){this.start=stackSave();return;',
  },
  {
    why: 'and to go on with it is to set that',
    find: 'restore(){let total=evictStackUpTo(this.stop,this);',
    replace:
      'restore(){stackRestore(this.start);return 0;let total=evictStackUpTo(this.stop,this);',
  },
  {
    why: "a run's own heap limit, below the module's maximum",
    find: 'getHeapMax=()=>4294901760',
    replace: 'getHeapMax=()=>Module["limits"]?.heapBytes??4294901760',
  },
  {
    why: 'files are JavaScript memory: without a quota a write loop ends in a fatal RangeError',
    find: 'expandFileStorage(node,newCapacity){var prevCapacity=node.contents.length;if(prevCapacity>=newCapacity)return;',
    replace:
      'expandFileStorage(node,newCapacity){var prevCapacity=node.contents.length;if(prevCapacity>=newCapacity)return;' +
      'MEMFS.checkQuota(node,newCapacity);',
  },
  {
    why: 'as above, for the first write to an empty file',
    find: 'else if(node.usedBytes===0&&position===0){node.contents=buffer.slice(offset,offset+length);',
    replace:
      'else if(node.usedBytes===0&&position===0){MEMFS.checkQuota(node,length);' +
      'node.contents=buffer.slice(offset,offset+length);',
  },
  {
    why: 'as above, for truncate',
    find: 'resizeFileStorage(node,newSize){if(node.usedBytes==newSize)return;',
    replace:
      'checkQuota(node,size){if(size<=node.usedBytes)return;let total=size-node.usedBytes;' +
      'const seen=new Set();const count=n=>{if(n&&!seen.has(n)){seen.add(n);if(FS.isFile(n.mode))total+=n.usedBytes}};' +
      'for(let n of FS.nameTable)for(;n;n=n.name_next)count(n);' +
      'for(const s of FS.streams)count(s?.node);' +
      'if(total>(Module["limits"]?.filesBytes??Infinity))throw new FS.ErrnoError(51)},' +
      'resizeFileStorage(node,newSize){if(node.usedBytes==newSize)return;MEMFS.checkQuota(node,newSize);',
  },
  {
    why: 'inodes are JavaScript objects: bound how many are ever made',
    find: 'createNode(parent,name,mode,dev){if(FS.isBlkdev(mode)||FS.isFIFO(mode)){throw new FS.ErrnoError(63)}',
    replace:
      'createNode(parent,name,mode,dev){if(FS.isBlkdev(mode)||FS.isFIFO(mode)){throw new FS.ErrnoError(63)}' +
      'if(FS.nextInode>(Module["limits"]?.nodes??Infinity))throw new FS.ErrnoError(51);',
  },
  {
    why: 'nothing is ever linked dynamically here: only symbols that the module itself asks for get a place in the table of functions',
    find: 'if(isInternalSym(symName)){continue}var value=exports[symName];',
    replace:
      'if(isInternalSym(symName)||GOT[symName]===undefined){continue}var value=exports[symName];',
  },
  {
    why: 'nor does anything look symbols up by name',
    find: 'mergeLibSymbols(wasmExports,"main");var',
    replace: 'mergeLibSymbols(wasmExports,"main");var',
  },
  {
    why: 'pages of zeros, a good part of the snapshot, are not touched: they cost no memory',
    find: 'return Module.HEAP8.set(t),l}',
    replace:
      'const words=new Uint32Array(t.buffer,t.byteOffset,t.byteLength>>2);' +
      'for(let at=0;at<words.length;at+=1024){for(let i=at;i<at+1024;i++)if(words[i]!==0){' +
      'Module.HEAP8.set(t.subarray(at*4,at*4+4096),at*4);break}}return l}',
  },
  {
    why: "entropy is the session's own stream, not that of a shell command",
    find: 'if(ENVIRONMENT_IS_SHELL){return view=>{if(!os.system){',
    replace:
      'if(ENVIRONMENT_IS_SHELL){const source=crypto;return view=>source.getRandomValues(view)}' +
      'if(false){return view=>{if(!os.system){',
  },
  {
    why: "the time zone is UTC, called so, whatever the host's is",
    find: 'return`UTC${sign}${hours}${minutes}`',
    replace: 'return timezoneOffset===0?"UTC":`UTC${sign}${hours}${minutes}`',
  },
];

/** Pyodide's `pyodide.asm.mjs` with our changes. Throws when a place is not found exactly once. */
export function patchPyodide(source: string): string {
  let patched = source;
  for (const { why, find, replace } of PATCHES) {
    const places = patched.split(find).length - 1;
    if (places !== 1) {
      throw new Error(
        `this version of Pyodide cannot be used: expected 1 place to patch, found ${places} (${why})`,
      );
    }
    patched = patched.replace(find, () => replace);
  }
  return patched;
}
