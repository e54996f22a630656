package io.greenroom.plugin.protocol.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The methods of Python's strings, dicts and lists that chat templates call. Whatever is not here
 * cannot be called: templates never reach a Java method.
 */
final class PythonMethods {

    private PythonMethods() {}

    /**
     * Calls a method.
     *
     * @throws IllegalArgumentException naming type and method if there is no such method
     */
    static @Nullable Object call(Object base, String method, @Nullable Object[] arguments) {
        if (base instanceof String text) {
            return onString(text, method, arguments);
        }
        if (base instanceof Map<?, ?> map) {
            return onMap(map, method, arguments);
        }
        if (base instanceof List<?> list) {
            return onList(list, method, arguments);
        }
        throw unknown(base, method);
    }

    private static Object onString(String text, String method, @Nullable Object[] arguments) {
        return switch (method) {
            case "startswith" -> anyOf(arguments, text::startsWith);
            case "endswith" -> anyOf(arguments, text::endsWith);
            case "strip" -> strip(text, optional(arguments, 0), true, true);
            case "lstrip" -> strip(text, optional(arguments, 0), true, false);
            case "rstrip" -> strip(text, optional(arguments, 0), false, true);
            case "split" -> split(text, optional(arguments, 0), limit(arguments), false);
            case "rsplit" -> split(text, optional(arguments, 0), limit(arguments), true);
            case "splitlines" -> new ArrayList<>(text.lines().toList());
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "title" -> title(text);
            case "capitalize" -> capitalize(text);
            case "replace" -> text.replace(string(arguments, 0), string(arguments, 1));
            case "join" -> join(text, arguments);
            case "find" -> text.indexOf(string(arguments, 0));
            case "rfind" -> text.lastIndexOf(string(arguments, 0));
            case "count" -> count(text, string(arguments, 0));
            case "removeprefix" -> {
                String prefix = string(arguments, 0);
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = string(arguments, 0);
                yield text.endsWith(suffix)
                        ? text.substring(0, text.length() - suffix.length())
                        : text;
            }
            case "isdigit" -> !text.isEmpty() && text.chars().allMatch(Character::isDigit);
            case "isalpha" -> !text.isEmpty() && text.chars().allMatch(Character::isLetter);
            case "isspace" -> !text.isEmpty() && text.chars().allMatch(Character::isWhitespace);
            case "islower" -> isCased(text, text.toLowerCase(Locale.ROOT));
            case "isupper" -> isCased(text, text.toUpperCase(Locale.ROOT));
            default -> throw unknown(text, method);
        };
    }

    private static @Nullable Object onMap(
            Map<?, ?> map, String method, @Nullable Object[] arguments) {
        return switch (method) {
            case "items" -> {
                List<Object> items = new ArrayList<>();
                map.forEach((key, value) -> items.add(pair(key, value)));
                yield items;
            }
            case "keys" -> new ArrayList<Object>(map.keySet());
            case "values" -> new ArrayList<Object>(map.values());
            case "get" -> {
                Object value = map.get(string(arguments, 0));
                yield value != null || arguments.length < 2 ? value : arguments[1];
            }
            case "copy" -> new LinkedHashMap<Object, Object>(map);
            default -> throw unknown(map, method);
        };
    }

    @SuppressWarnings("unchecked") // Lists that templates see are built by the renderer.
    private static @Nullable Object onList(
            List<?> list, String method, @Nullable Object[] arguments) {
        switch (method) {
            case "append" -> {
                ((List<@Nullable Object>) list).add(arguments[0]);
                return "";
            }
            case "pop" -> {
                int index =
                        arguments.length == 0
                                ? list.size() - 1
                                : Math.floorMod(number(arguments, 0), Math.max(1, list.size()));
                return list.remove(index);
            }
            case "index" -> {
                return list.indexOf(arguments[0]);
            }
            case "count" -> {
                return list.stream().filter(item -> item.equals(arguments[0])).count();
            }
            case "copy" -> {
                return new ArrayList<Object>(list);
            }
            default -> throw unknown(list, method);
        }
    }

    private static List<@Nullable Object> pair(Object key, @Nullable Object value) {
        List<@Nullable Object> pair = new ArrayList<>(2);
        pair.add(key);
        pair.add(value);
        return pair;
    }

    private static boolean anyOf(
            @Nullable Object[] arguments, java.util.function.Predicate<String> test) {
        if (arguments.length > 0 && arguments[0] instanceof List<?> candidates) {
            return candidates.stream().anyMatch(text -> test.test(String.valueOf(text)));
        }
        return test.test(string(arguments, 0));
    }

    private static String strip(String text, @Nullable String chars, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && strips(text.charAt(start), chars)) {
            start++;
        }
        while (right && end > start && strips(text.charAt(end - 1), chars)) {
            end--;
        }
        return text.substring(start, end);
    }

    private static boolean strips(char c, @Nullable String chars) {
        return chars == null
                ? Character.isWhitespace(c) || c == '\u00a0' || c == '\u0085'
                : chars.indexOf(c) >= 0;
    }

    private static List<String> split(
            String text, @Nullable String separator, int limit, boolean fromRight) {
        if (separator == null) {
            return new ArrayList<>(
                    text.isBlank() ? List.of() : List.of(text.strip().split("\\s+", limit + 1)));
        }
        if (separator.isEmpty()) {
            throw new IllegalArgumentException("split() needs a separator that is not empty");
        }
        List<String> parts = new ArrayList<>();
        String rest = text;
        int at = fromRight ? rest.lastIndexOf(separator) : rest.indexOf(separator);
        while (at >= 0 && (limit < 0 || parts.size() < limit)) {
            if (fromRight) {
                parts.add(0, rest.substring(at + separator.length()));
                rest = rest.substring(0, at);
                at = rest.lastIndexOf(separator);
            } else {
                parts.add(rest.substring(0, at));
                rest = rest.substring(at + separator.length());
                at = rest.indexOf(separator);
            }
        }
        parts.add(fromRight ? 0 : parts.size(), rest);
        return parts;
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean inWord = false;
        for (char c : text.toCharArray()) {
            out.append(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return out.toString();
    }

    private static String capitalize(String text) {
        return text.isEmpty()
                ? text
                : text.substring(0, 1).toUpperCase(Locale.ROOT)
                        + text.substring(1).toLowerCase(Locale.ROOT);
    }

    private static String join(String separator, @Nullable Object[] arguments) {
        if (arguments.length != 1 || !(arguments[0] instanceof List<?> list)) {
            throw new IllegalArgumentException("join() takes one list");
        }
        return String.join(separator, list.stream().map(String::valueOf).toList());
    }

    private static int count(String text, String part) {
        if (part.isEmpty()) {
            return text.length() + 1;
        }
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    private static boolean isCased(String text, String cased) {
        return text.equals(cased) && text.chars().anyMatch(Character::isLetter);
    }

    private static int limit(@Nullable Object[] arguments) {
        return arguments.length < 2 ? -1 : number(arguments, 1);
    }

    private static @Nullable String optional(@Nullable Object[] arguments, int index) {
        return arguments.length <= index || arguments[index] == null
                ? null
                : string(arguments, index);
    }

    private static String string(@Nullable Object[] arguments, int index) {
        if (arguments.length <= index || arguments[index] == null) {
            throw new IllegalArgumentException("A method needs argument " + (index + 1));
        }
        return String.valueOf(arguments[index]);
    }

    private static int number(@Nullable Object[] arguments, int index) {
        if (arguments.length > index && arguments[index] instanceof Number number) {
            return number.intValue();
        }
        throw new IllegalArgumentException("A method needs a number as argument " + (index + 1));
    }

    private static IllegalArgumentException unknown(Object base, String method) {
        String type =
                base instanceof String
                        ? "string"
                        : base instanceof Map ? "dict" : base instanceof List ? "list" : "value";
        return new IllegalArgumentException("A " + type + " has no method " + method + "()");
    }
}
