package io.greenroom.plugin.config;

import java.util.List;

/** A configuration is wrong. The message lists every problem. */
public final class ConfigException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient List<String> problems;

    ConfigException(List<String> problems) {
        super(
                (problems.size() == 1
                                ? "One option is wrong:"
                                : problems.size() + " options are wrong:")
                        + "\n  "
                        + String.join("\n  ", problems));
        this.problems = problems;
    }

    public List<String> problems() {
        return problems;
    }
}
