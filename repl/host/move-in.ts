import ivm from 'isolated-vm';

/** Bytes as an argument for an isolate: copied once, then moved in. */
export function moveIn(bytes: Uint8Array): ivm.Copy<ArrayBuffer> {
  const own = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(own).set(bytes);
  return new ivm.ExternalCopy(own, { transferOut: true }).copyInto({
    release: true,
    transferIn: true,
  });
}
