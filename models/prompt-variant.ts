/** Families whose models hold back with sub-calls unless they are encouraged; all others tend to make far too many. */
const HOLD_BACK = /^(gpt|chatgpt|o\d|claude|gemini)\b/i;

/** The variant of the prompts for a model whose entry in the registry names none, by the family of its id. */
export function variantOf(model: string): 'frugal' | 'encouraged' {
  // Gateways put the vendor before the name.
  const name = model.slice(model.lastIndexOf('/') + 1);
  return HOLD_BACK.test(name) && !name.startsWith('gpt-oss') ? 'encouraged' : 'frugal';
}
