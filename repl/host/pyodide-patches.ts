/**
 * Changes to Pyodide's JavaScript, each applied to exactly one place: another version of Pyodide fails here, loudly,
 * instead of losing a limit silently.
 */
const PATCHES: ReadonlyArray<{ why: string; find: string; replace: string }> = [
  {
    why: 'every stack begins at the same place in linear memory, the suspended ones are moved out: how deep it may go, and what it leaves there, then depends on no other stack',
    find: 'var stackTop;function enterTask(){if(stackTop===void 0){stackTop=stackSave();return}',
    replace:
      'Module["limits"]={heapBytes:4294901760,filesBytes:Infinity,nodes:Infinity};' +
      'Module["resetStackSwitching"]=()=>{if(stackStates.length>0)throw new Error("a stack is suspended");' +
      'if(stackTop!==void 0)stackRestore(stackTop)};' +
      'var stackTop;function enterTask(){if(stackTop===void 0){stackTop=stackSave();return}' +
      'setStackPosition(stackTop);return;',
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
