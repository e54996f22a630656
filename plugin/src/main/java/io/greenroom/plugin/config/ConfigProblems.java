package io.greenroom.plugin.config;

import java.util.ArrayList;
import java.util.List;

/** Collects everything that is wrong with a configuration, to be told at once. */
public final class ConfigProblems {

    private final List<String> problems = new ArrayList<>();

    /** A key has a value that is not accepted. */
    public void refused(String key, String value, String accepted) {
        problems.add(key + "=" + value + " is not accepted: " + accepted);
    }

    /** There is no such key. */
    void unknown(String key, String value, String advice) {
        problems.add(key + "=" + value + " is not known: " + advice);
    }

    public void throwIfAny() throws ConfigException {
        if (!problems.isEmpty()) {
            throw new ConfigException(List.copyOf(problems));
        }
    }
}
