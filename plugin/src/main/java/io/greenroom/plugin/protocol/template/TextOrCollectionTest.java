package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code is iterable} and {@code is sequence}, which hold for strings in Python. */
record TextOrCollectionTest(String getName) implements ExpTest {

    @Override
    public boolean evaluate(
            @Nullable Object value, JinjavaInterpreter interpreter, Object... arguments) {
        return value instanceof CharSequence
                || value instanceof Collection
                || value instanceof Map
                || value instanceof Object[];
    }
}
