package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;

/** {@code {% generation %}}: marks what a model is trained on; renders as if it were not there. */
final class GenerationTag implements Tag {

    private static final long serialVersionUID = 1L;

    @Override
    public String getName() {
        return "generation";
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter interpreter) {
        StringBuilder out = new StringBuilder();
        for (Node child : tag.getChildren()) {
            out.append(child.render(interpreter).getValue());
        }
        return out.toString();
    }
}
