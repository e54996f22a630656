package io.greenroom.offload.store;

/** Texts from files, on their way into messages and logs. */
public final class Untrusted {

    private static final int SHOWN = 80;

    private Untrusted() {}

    /** Without control characters, which could forge log lines, and not too long. */
    public static String shown(String text) {
        String start = text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
        return hasControl(start) ? start.replaceAll("\\p{Cntrl}", "?") : start;
    }

    /** Whether a name is fit to be one: 1 to {@code most} characters, none of them control. */
    static boolean isName(String text, int most) {
        return !text.isEmpty() && text.length() <= most && !hasControl(text);
    }

    private static boolean hasControl(String text) {
        return text.chars().anyMatch(Character::isISOControl);
    }
}
