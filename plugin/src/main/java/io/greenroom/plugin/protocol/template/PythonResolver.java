package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.el.TypeConvertingMapELResolver;
import com.hubspot.jinjava.el.ext.JinjavaListELResolver;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.util.ForLoop;
import java.beans.FeatureDescriptor;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/**
 * What templates may read and call: entries of maps and lists, the state of loops, and {@link
 * PythonMethods}. There is no reflection on Java objects, so nothing else can be reached.
 */
final class PythonResolver extends ELResolver {

    private final ELResolver maps = new TypeConvertingMapELResolver(true);
    private final ELResolver lists = new JinjavaListELResolver(true);

    @Override
    public @Nullable Object getValue(
            ELContext context, @Nullable Object base, @Nullable Object property) {
        context.setPropertyResolved(true);
        if (base instanceof Map) {
            return maps.getValue(context, base, property);
        }
        if (base instanceof List) {
            return lists.getValue(context, base, property);
        }
        if (base instanceof ForLoop loop) {
            return loopState(loop, String.valueOf(property));
        }
        if (base instanceof String text) {
            return character(text, String.valueOf(property));
        }
        return null;
    }

    private static @Nullable Object loopState(ForLoop loop, String property) {
        return switch (property) {
            case "index" -> loop.getIndex();
            case "index0" -> loop.getIndex0();
            case "revindex" -> loop.getRevindex();
            case "revindex0" -> loop.getRevindex0();
            case "first" -> loop.isFirst();
            case "last" -> loop.isLast();
            case "length" -> loop.getLength();
            case "depth" -> loop.getDepth();
            case "depth0" -> loop.getDepth0();
            default -> throw new IllegalStateException("loop." + property + " is not supported");
        };
    }

    private static @Nullable String character(String text, String property) {
        try {
            int index = Integer.parseInt(property);
            int at = index < 0 ? index + text.length() : index;
            return at >= 0 && at < text.length() ? text.substring(at, at + 1) : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    @Override
    public @Nullable Object invoke(
            ELContext context,
            @Nullable Object base,
            @Nullable Object method,
            Class<?> @Nullable [] types,
            @Nullable Object @Nullable [] arguments) {
        context.setPropertyResolved(true);
        @Nullable Object[] given = arguments == null ? new Object[0] : arguments;
        String name = String.valueOf(method);
        if (base instanceof Filter filter) {
            return applyFilter(filter, given);
        }
        if (base instanceof ExpTest test) {
            return applyTest(test, name, given);
        }
        if (base == null) {
            throw new IllegalStateException("Called " + name + "() on an undefined value");
        }
        try {
            return PythonMethods.call(base, name, given);
        } catch (IllegalArgumentException e) {
            // The renderer takes an IllegalArgumentException for "no such method" and goes on.
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    /** The renderer passes: value, interpreter, positional arguments, named arguments. */
    @SuppressWarnings("unchecked")
    private static @Nullable Object applyFilter(Filter filter, @Nullable Object[] given) {
        return filter.filter(
                given[0],
                (JinjavaInterpreter) given[1],
                (Object[]) given[2],
                (Map<String, Object>) given[3]);
    }

    /** The renderer passes: value, interpreter, then the arguments. */
    private static boolean applyTest(ExpTest test, String name, @Nullable Object[] given) {
        JinjavaInterpreter interpreter = (JinjavaInterpreter) given[1];
        @Nullable Object[] arguments = Arrays.copyOfRange(given, 2, given.length);
        return name.equals("evaluateNegated")
                ? test.evaluateNegated(given[0], interpreter, arguments)
                : test.evaluate(given[0], interpreter, arguments);
    }

    @Override
    public void setValue(
            ELContext context,
            @Nullable Object base,
            @Nullable Object property,
            @Nullable Object value) {
        throw new UnsupportedOperationException("Templates cannot change values");
    }

    @Override
    public boolean isReadOnly(ELContext context, @Nullable Object base, @Nullable Object property) {
        return true;
    }

    @Override
    public Class<?> getType(ELContext context, @Nullable Object base, @Nullable Object property) {
        return Object.class;
    }

    @Override
    public Class<?> getCommonPropertyType(ELContext context, @Nullable Object base) {
        return Object.class;
    }

    @Override
    public @Nullable Iterator<FeatureDescriptor> getFeatureDescriptors(
            ELContext context, @Nullable Object base) {
        return null;
    }
}
