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
