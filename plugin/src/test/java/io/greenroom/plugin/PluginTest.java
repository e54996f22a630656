package io.greenroom.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.EngineServices;
import io.greenroom.plugin.engine.ModelLoader;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineProvider;
import io.greenroom.plugin.http.ServerLink;
import jakarta.inject.Inject;
import org.jboss.weld.junit5.EnableWeld;
import org.jboss.weld.junit5.WeldInitiator;
import org.jboss.weld.junit5.WeldSetup;
import org.junit.jupiter.api.Test;

/** The beans fit together in a real container. */
@EnableWeld
class PluginTest {

    @WeldSetup private WeldInitiator weld = WeldInitiator.of(Beans.classes().toArray(Class[]::new));

    @Inject private MoeEngineProvider provider;
    @Inject private MoeEngine engine;
    @Inject private EngineServices services;
    @Inject private ModelRegistry registry;
    @Inject private PluginSettings settings;
    @Inject private ModelLoader loader;
    @Inject private ServerLink link;

    @Test
    void everyoneSharesTheSameParts() {
        assertThat(provider.getEngine()).isSameAs(engine);
        assertThat(services.registry()).isSameAs(registry);
        assertThat(services.settings()).isSameAs(settings);
        assertThat(services.loader()).isSameAs(loader);
        assertThat(link.bridge()).isEmpty();
        assertThat(registry.models()).isEmpty();
    }

    @Test
    void theContainerStartsFromAnyThread() throws Exception {
        ClassLoader[] seen = new ClassLoader[1];
        ClassLoader stranger = ClassLoader.getPlatformClassLoader();
        Thread thread =
                new Thread(
                        () -> {
                            try (var container = Beans.start(PluginTest.class.getClassLoader())) {
                                assertThat(container.select(MoeEngine.class).get().getEngineName())
                                        .isEqualTo("MoE");
                            }
                            seen[0] = Thread.currentThread().getContextClassLoader();
                        });
        thread.setContextClassLoader(stranger);
        thread.start();
        thread.join();

        assertThat(seen[0]).isSameAs(stranger);
    }
}
