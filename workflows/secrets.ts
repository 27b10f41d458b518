import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { uuid4 } from '@temporalio/workflow';

/**
 * The run's secret (64 hex digits): from the seed when there is one, else drawn. Everything random in the run's
 * Python derives from it, so it is repeatable from the history, and no key material: see docs/limitations.md.
 */
export function newSecret(seed: string | null): string {
  // uuid4 is drawn from the execution's recorded randomness: the same on every replay.
  return bytesToHex(
    sha256(utf8ToBytes(seed === null ? `drawn ${uuid4()} ${uuid4()}` : `seed ${seed}`)),
  );
}

/** A key for one purpose under the secret, for instance `cell 3.1` or `sub-run 3.1.4`. */
export function deriveKey(secret: string, purpose: string): string {
  return bytesToHex(hmac(sha256, hexToBytes(secret), utf8ToBytes(purpose)));
}
