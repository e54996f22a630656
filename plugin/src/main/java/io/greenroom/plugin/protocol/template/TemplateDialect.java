package io.greenroom.plugin.protocol.template;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites spellings that the renderer reads differently from Python's Jinja:
 *
 * <ul>
 *   <li>{@code list[::-1]}: its slices have no step;
 *   <li>{@code not a is defined}: it reads {@code (not a) is defined};
 *   <li>{@code namespace(n=a - 1)}: it reads {@code (n=a) - 1}.
 * </ul>
 */
final class TemplateDialect {

    private static final Pattern REVERSING_SLICE = Pattern.compile("\\[\\s*:\\s*:\\s*-\\s*1\\s*]");

    private static final Pattern CONDITION = Pattern.compile("\\{%-?\\s*(?:el)?if\\b[^%]*%}");

    private static final Pattern NEGATED_TEST =
            Pattern.compile("\\bnot\\s+([\\w.]+(?:\\[[^]]*])*)\\s+is\\s+(?!not\\b)");

    private static final Pattern NAMESPACE = Pattern.compile("\\bnamespace\\s*\\(");

    private static final Pattern NAMED = Pattern.compile("\\s*(\\w+)\\s*=(?!=)");

    private TemplateDialect() {}

    static String adapt(String source) {
        String reversed = REVERSING_SLICE.matcher(source).replaceAll("|" + Reversed.NAME);
        String negated =
                CONDITION
                        .matcher(reversed)
                        .replaceAll(
                                condition ->
                                        Matcher.quoteReplacement(
                                                NEGATED_TEST
                                                        .matcher(condition.group())
                                                        .replaceAll("$1 is not ")));
        return bracketNamespaceValues(negated);
    }

    private static String bracketNamespaceValues(String source) {
        Matcher call = NAMESPACE.matcher(source);
        StringBuilder out = new StringBuilder();
        int copied = 0;
        while (call.find(copied)) {
            int end = closing(source, call.end());
            if (end < 0) {
                break;
            }
            out.append(source, copied, call.end());
            int start = call.end();
            for (int i = start; i <= end; i = skip(source, i)) {
                if (i == end || source.charAt(i) == ',') {
                    out.append(bracketed(source.substring(start, i)));
                    out.append(source.charAt(i));
                    start = i + 1;
                }
            }
            copied = end + 1;
        }
        return out.append(source, copied, source.length()).toString();
    }

    private static String bracketed(String argument) {
        Matcher named = NAMED.matcher(argument);
        return named.lookingAt()
                ? named.group(1) + "=(" + argument.substring(named.end()) + ")"
                : argument;
    }

    /** Index of the bracket that closes the one before {@code from}, or -1. */
    private static int closing(String source, int from) {
        for (int i = from; i >= 0 && i < source.length(); i = skip(source, i)) {
            if (source.charAt(i) == ')') {
                return i;
            }
        }
        return -1;
    }

    /** Index after the character, quoted text or bracketed text at {@code i}. */
    private static int skip(String source, int i) {
        char c = source.charAt(i);
        if (c == '\'' || c == '"') {
            int j = i + 1;
            while (j < source.length() && source.charAt(j) != c) {
                j += source.charAt(j) == '\\' ? 2 : 1;
            }
            return Math.min(j, source.length() - 1) + 1;
        }
        if (c == '(' || c == '[' || c == '{') {
            int j = i + 1;
            while (j < source.length() && ")]}".indexOf(source.charAt(j)) < 0) {
                j = skip(source, j);
            }
            return Math.min(j, source.length() - 1) + 1;
        }
        return i + 1;
    }
}
