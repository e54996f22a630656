package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.AdvancedFilter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code tojson} as Transformers defines it for chat templates. */
final class ToJson implements AdvancedFilter {

    private static final int MAX_INDENT = 16;

    @Override
    public String getName() {
        return "tojson";
    }

    @Override
    public Object filter(
            @Nullable Object value,
            JinjavaInterpreter interpreter,
            Object[] arguments,
            Map<String, Object> named) {
        int indent = named.get("indent") instanceof Number number ? number.intValue() : 0;
        return PythonJson.write(value, Math.max(0, Math.min(MAX_INDENT, indent)));
    }
}
