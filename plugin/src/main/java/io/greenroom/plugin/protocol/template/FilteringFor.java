package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.ForTag;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.TagToken;
import com.hubspot.jinjava.util.ForLoop;
import com.hubspot.jinjava.util.ObjectIterator;
import com.hubspot.jinjava.util.ObjectTruthValue;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.lang3.tuple.Pair;
import org.jspecify.annotations.Nullable;

/** {@code {% for x in list if condition %}}; without this the condition is silently ignored. */
final class FilteringFor extends ForTag {

    private static final long serialVersionUID = 1L;

    @Override
    public String interpretUnchecked(TagNode tag, JinjavaInterpreter interpreter) {
        Pair<List<String>, String> parts = getLoopVarsAndExpression((TagToken) tag.getMaster());
        String expression = parts.getRight();
        int condition = conditionStart(expression);
        if (condition < 0) {
            return super.interpretUnchecked(tag, interpreter);
        }
        Object collection =
                interpreter.resolveELExpression(
                        expression.substring(0, condition), tag.getLineNumber());
        List<Object> kept =
                keep(
                        collection,
                        parts.getLeft(),
                        expression.substring(condition + " if ".length()),
                        interpreter,
                        tag.getLineNumber());
        return renderForCollection(tag, interpreter, parts.getLeft(), kept);
    }

    private static List<Object> keep(
            @Nullable Object collection,
            List<String> names,
            String condition,
            JinjavaInterpreter interpreter,
            int line) {
        List<Object> kept = new ArrayList<>();
        ForLoop loop = ObjectIterator.getLoop(collection);
        while (loop.hasNext()) {
            Object item = interpreter.wrap(loop.next());
            interpreter.enterScope();
            try {
                for (int i = 0; i < names.size(); i++) {
                    Object value =
                            names.size() == 1
                                    ? item
                                    : item instanceof List<?> values && i < values.size()
                                            ? values.get(i)
                                            : null;
                    interpreter.getContext().put(names.get(i), value);
                }
                if (ObjectTruthValue.evaluate(interpreter.resolveELExpression(condition, line))) {
                    kept.add(item);
                }
            } finally {
                interpreter.leaveScope();
            }
        }
        return kept;
    }

    /** Index of an " if " outside brackets and quotes, or -1. */
    static int conditionStart(String expression) {
        int depth = 0;
        char quote = 0;
        for (int i = 0; i < expression.length(); i++) {
            char c = expression.charAt(i);
            if (quote != 0) {
                if (c == '\\') {
                    i++;
                } else if (c == quote) {
                    quote = 0;
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == '(' || c == '[' || c == '{') {
                depth++;
            } else if (c == ')' || c == ']' || c == '}') {
                depth--;
            } else if (depth == 0 && expression.startsWith(" if ", i)) {
                return i;
            }
        }
        return -1;
    }
}
