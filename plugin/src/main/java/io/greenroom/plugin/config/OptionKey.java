package io.greenroom.plugin.config;

import java.util.function.Function;

/**
 * One option an operator may set.
 *
 * @param name as it is written
 * @param accepted which values, for people
 * @param unset what holds without it, for people
 * @param meaning what it does, one or more sentences of Markdown
 * @param unsetValue what holds without it
 * @param parser reads a value; throws IllegalArgumentException if it is not accepted
 * @param <T> type of the value
 */
public record OptionKey<T>(
        String name,
        String accepted,
        String unset,
        String meaning,
        T unsetValue,
        Function<String, T> parser) {}
