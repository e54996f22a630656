package io.greenroom.plugin.protocol;

/** How an answer came to its end, in the words of both dialects. */
public enum Ending {
    END_TOKEN("stop", "eos_token"),
    STOP_STRING("stop", "stop_sequence"),
    LENGTH("length", "length");

    private final String openAi;
    private final String lmi;

    Ending(String openAi, String lmi) {
        this.openAi = openAi;
        this.lmi = lmi;
    }

    String openAi() {
        return openAi;
    }

    String lmi() {
        return lmi;
    }
}
