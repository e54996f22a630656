package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.expression.ExpressionStrategy;
import com.hubspot.jinjava.mode.ExecutionMode;
import com.hubspot.jinjava.tree.output.RenderedOutputNode;
import com.hubspot.jinjava.tree.parse.ExpressionToken;

/**
 * Writes text as it stands. The renderer's own way sends text through JSON and back, on which
 * control characters and some quotes are not what they were. Other values are written as Python
 * does, by the renderer.
 */
final class PlainOutput implements ExpressionStrategy {

    private static final long serialVersionUID = 1L;

    /** Gives every rendering this way of writing. */
    static final class Mode implements ExecutionMode {

        @Override
        public void prepareContext(Context context) {
            context.setExpressionStrategy(new PlainOutput());
        }
    }

    @Override
    public RenderedOutputNode interpretOutput(
            ExpressionToken token, JinjavaInterpreter interpreter) {
        Object value = interpreter.resolveELExpression(token.getExpr(), token.getLineNumber());
        return new RenderedOutputNode(
                value instanceof String text ? text : interpreter.getAsString(value));
    }
}
