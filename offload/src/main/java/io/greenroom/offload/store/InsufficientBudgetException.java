package io.greenroom.offload.store;

/** The expert budget is too small for the model. The message names the smallest that works. */
public final class InsufficientBudgetException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    public InsufficientBudgetException(String message) {
        super(message);
    }
}
