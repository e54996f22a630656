package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code [::-1]} means; the renderer's slices have no step. */
final class Reversed implements Filter {

    static final String NAME = "reversed_copy";

    @Override
    public String getName() {
        return NAME;
    }

    @Override
    public @Nullable Object filter(
            @Nullable Object value, JinjavaInterpreter interpreter, String... arguments) {
        if (value instanceof List<?> list) {
            List<Object> reversed = new ArrayList<>(list);
            Collections.reverse(reversed);
            return reversed;
        }
        return value == null ? null : new StringBuilder(value.toString()).reverse().toString();
    }
}
