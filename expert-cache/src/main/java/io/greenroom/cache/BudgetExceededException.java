package io.greenroom.cache;

/** A {@link MemoryBudget} has no room; the message has the bytes wanted, used and allowed. */
public final class BudgetExceededException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    BudgetExceededException(String message) {
        super(message);
    }
}
