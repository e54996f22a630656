package io.greenroom.plugin.heat;

import java.util.List;

/** The bean classes of this package. */
public final class HeatBeans {

    public static final List<Class<?>> CLASSES = List.of(HeatKeeper.class, FileHeatStore.class);

    private HeatBeans() {}
}
