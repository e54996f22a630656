package io.greenroom.offload.decoder;

/** Why a generation ended. Every generation ends with exactly one. */
public enum FinishReason {
    /** The model produced an end token, or the listener saw a stop string. */
    STOP,
    /** The token limit was reached. */
    LENGTH,
    /** The client cancelled or left. */
    CANCELLED,
    /** The model was unloaded. */
    UNLOADED,
    /** Something failed; the listener was given the reason. */
    ERROR
}
