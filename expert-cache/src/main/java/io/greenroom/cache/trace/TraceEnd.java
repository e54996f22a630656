package io.greenroom.cache.trace;

/**
 * What the recorder said when it closed a trace.
 *
 * @param steps steps in the file
 * @param rows rows of all steps
 * @param dropped steps that are missing: recording was behind, or one of their requests failed on
 *     the way
 * @param limited whether recording stopped because the file had reached its limit
 */
public record TraceEnd(long steps, long rows, long dropped, boolean limited) {}
