package io.greenroom.plugin.http;

import java.util.List;

/** The bean classes of this package, most of which nobody else needs to know. */
public final class HttpBeans {

    public static final List<Class<?>> CLASSES =
            List.of(
                    ServerLink.class,
                    StateChanges.class,
                    EventStreams.class,
                    InferenceRoute.class,
                    BudgetRoute.class,
                    ModelsRoute.class,
                    MetricsRoute.class,
                    ExpertsRoute.class,
                    EventsRoute.class,
                    DashboardRoute.class,
                    Routes.class);

    private HttpBeans() {}
}
