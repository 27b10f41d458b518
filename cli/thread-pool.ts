/**
 * Imported before anything else: the size is read when the first thread is needed. A stored answer is four syncs of a
 * disk, each of which keeps a thread waiting; with Node's four threads a wide round would wait in line for them.
 */
process.env['UV_THREADPOOL_SIZE'] ??= '32';
