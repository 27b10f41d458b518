/**
 * Every size limit of what travels through Temporal, in UTF-8 bytes unless the name says otherwise.
 * An oversized payload is not an error on Temporal but an endless loop of workflow tasks, so each
 * producer truncates to these before it returns.
 */
export const INLINE_TEXT_BYTES = 2 * 1024;
/** Head and tail that travel with a text too long to be inline: together at most INLINE_TEXT_BYTES. */
export const TEXT_HEAD_BYTES = 1024;
export const TEXT_TAIL_BYTES = 1024;
export const PAYLOAD_BYTES = 64 * 1024;
export const SUMMARY_BYTES = 300;
export const DETAILS_BYTES = 16 * 1024;
/** Changed variables listed in one cell outcome; the rest is counted. */
export const CHANGED_VARIABLES = 100;
export const VARIABLE_PREVIEW_CHARS = 80;
export const CALL_PREVIEW_CHARS = 60;
/** Calls of one round that travel with a preview; later ones are only counted. */
export const LISTED_CALLS = 400;
/** Sub-runs that one round may start. */
export const SUB_RUNS_A_ROUND = 100;
export const ERROR_MESSAGE_CHARS = 1000;
/** Models that the calls of one round name, and ranges of calls for each. */
export const MODELS_A_ROUND = 8;
export const MODEL_RANGES = 50;
/** Questions to a person that one round may ask. */
export const QUESTIONS_A_ROUND = 20;
/** Calls of tools in one round. */
export const TOOL_CALLS_A_ROUND = 1000;
/** Arguments of one call of a tool, and what it may return: they travel through the history. */
export const TOOL_ARGUMENTS_BYTES = 64 * 1024;
export const TOOL_RESULT_BYTES = 256 * 1024;
/** Tools of one run. */
export const TOOLS = 64;
/** Citations of one answer, and the longest words of one; those of an answer together are bounded by CITATIONS_CHARS. */
export const CITATIONS = 200;
export const QUOTE_CHARS = 20_000;
export const CITATIONS_CHARS = 1_000_000;
export const INPUT_NAME_CHARS = 4500;
export const CITATION_PROBLEM_CHARS = 500;
/** Manifests that the inputs of one REPL come from: its own, and those of the runs that it goes on from. */
export const MANIFESTS = 20;
/** A value or text that an update carries itself; a larger one is a blob. */
export const UPDATE_TEXT_BYTES = 32 * 1024;
/** A message to the model, and how many of them wait for its next turn. */
export const STEER_CHARS = 1900;
export const STEER_MESSAGES = 20;
/** Sentences about the inputs of a run that travel beside its manifest, and their length. */
export const NOTES = 12;
export const NOTE_CHARS = 400;
/** Wheels of one run. */
export const PACKAGES = 32;
export const WHEEL_NAME_CHARS = 200;
/** Of one wheel as it is, and of all its files: a run that has it holds them in its heap. */
export const WHEEL_BYTES = 32 * 1024 * 1024;
export const WHEEL_FILES_BYTES = 256 * 1024 * 1024;
export const WHEEL_FILES = 20_000;
/** Names of modules that are told of one wheel. */
export const LISTED_MODULES = 8;
export const MODULE_NAME_CHARS = 100;
