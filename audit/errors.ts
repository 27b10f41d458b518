/** An execution has no sealed trail: it has not come to its first seal, or another store holds it. */
export class TrailMissing extends Error {
  override readonly name = 'TrailMissing';
}

/** The pieces of a trail do not fit each other: a piece or a record was replaced. The audit is worth nothing then. */
export class TrailBroken extends Error {
  override readonly name = 'TrailBroken';
}
