/** The question of the demo, and the only one that the stand-in model server knows. */
export const DEMO_QUESTION =
  'Which sections of the contract make the reader indemnify someone? How do these duties compare with the prior agreements, and what is unusual about them? Quote the contract word for word.';
