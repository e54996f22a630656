package io.greenroom.plugin.protocol.template;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Functions that Transformers gives to chat templates. Public because the renderer asks so. */
public final class TemplateFunctions {

    private TemplateFunctions() {}

    /** {@code raise_exception}: the template refuses the conversation. */
    public static Object raiseException(String message) {
        throw new RaisedByTemplateException(message);
    }

    /** {@code strftime_now}: the local time in a format of C's strftime. */
    public static String strftimeNow(String format) {
        LocalDateTime now = LocalDateTime.now(ZoneId.systemDefault());
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c == '%' && i + 1 < format.length()) {
                out.append(field(format.charAt(++i), now));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static String field(char directive, LocalDateTime now) {
        String pattern =
                switch (directive) {
                    case 'd' -> "dd";
                    case 'm' -> "MM";
                    case 'y' -> "yy";
                    case 'Y' -> "yyyy";
                    case 'b' -> "MMM";
                    case 'B' -> "MMMM";
                    case 'a' -> "EEE";
                    case 'A' -> "EEEE";
                    case 'H' -> "HH";
                    case 'I' -> "hh";
                    case 'M' -> "mm";
                    case 'S' -> "ss";
                    case 'p' -> "a";
                    case 'j' -> "DDD";
                    case '%' -> "'%'";
                    default ->
                            throw new IllegalStateException(
                                    "strftime_now does not know %" + directive);
                };
        return DateTimeFormatter.ofPattern(pattern, Locale.US).format(now);
    }
}
