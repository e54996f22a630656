package io.greenroom.plugin.engine;

import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A name of its own for every loaded model. That is the name clients use; of several models with
 * the same one (a server may have versions) the later ones are told apart as {@code name#2}, {@code
 * name#3}, and keep that for as long as they are loaded. Thread-safe.
 */
public final class ModelNames {

    private final Map<MoeEngineModel, Name> known = new IdentityHashMap<>();

    /**
     * @param served what clients use, when the name was given
     * @param unique the model's own
     */
    private record Name(String served, String unique) {}

    /**
     * Names models; those not among them are forgotten.
     *
     * @param models loaded ones, oldest first
     * @return the models by their names, in the same order
     */
    public synchronized Map<String, MoeEngineModel> of(List<MoeEngineModel> models) {
        known.keySet().retainAll(Set.copyOf(models));
        Set<String> taken = new HashSet<>();
        for (MoeEngineModel model : models) {
            Name name = known.get(model);
            if (name != null && name.served().equals(model.servedName())) {
                taken.add(name.unique());
            } else {
                known.remove(model);
            }
        }
        Map<String, MoeEngineModel> named = new LinkedHashMap<>();
        for (MoeEngineModel model : models) {
            @Nullable Name name = known.get(model);
            if (name == null) {
                String served = model.servedName();
                name = new Name(served, free(served, taken));
                taken.add(name.unique());
                known.put(model, name);
            }
            named.put(name.unique(), model);
        }
        return named;
    }

    private static String free(String name, Set<String> taken) {
        String unique = name;
        for (int i = 2; taken.contains(unique); i++) {
            unique = name + "#" + i;
        }
        return unique;
    }
}
