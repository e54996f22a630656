package io.greenroom.it.cdi;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.plugin.Beans;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.EngineServices;
import io.greenroom.plugin.engine.ModelLoader;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineProvider;
import io.greenroom.plugin.http.ServerLink;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.spi.Bean;
import jakarta.enterprise.inject.spi.BeanManager;
import jakarta.inject.Inject;
import java.util.Set;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.asset.StringAsset;
import org.jboss.shrinkwrap.api.spec.JavaArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The plugin's beans in a real Weld container: each is found, once, and they know each other. */
@ExtendWith(ArquillianExtension.class)
class WiringIT {

    /** Every class of the composition is a bean, whatever its annotations. */
    private static final String ALL_ARE_BEANS =
            """
            <beans xmlns="https://jakarta.ee/xml/ns/jakartaee" version="4.0"
                   bean-discovery-mode="all"/>
            """;

    @Inject private BeanManager beans;
    @Inject @Any private Instance<Object> everything;
    @Inject private MoeEngine engine;
    @Inject private MoeEngineProvider provider;
    @Inject private EngineServices services;
    @Inject private PluginSettings settings;
    @Inject private ModelRegistry registry;
    @Inject private ServerLink link;
    @Inject private ModelLoader loader;

    @Deployment
    static JavaArchive plugin() {
        return ShrinkWrap.create(JavaArchive.class, "plugin.jar")
                .addClasses(Beans.classes().toArray(Class[]::new))
                .addAsManifestResource(new StringAsset(ALL_ARE_BEANS), "beans.xml");
    }

    @Test
    void everyListedClassIsExactlyOneBean() {
        for (Class<?> type : Beans.classes()) {
            Set<Bean<?>> found = beans.getBeans(type);
            assertThat(found).as(type.getName()).hasSize(1);
            assertThat(found.iterator().next().getBeanClass()).isEqualTo(type);
        }
    }

    @Test
    void everyBeanCanBeMadeAndIsMadeOnce() {
        for (Class<?> type : Beans.classes()) {
            Object first = everything.select(type).get();
            assertThat(everything.select(type).get()).as(type.getName()).isSameAs(first);
        }
    }

    @Test
    void theProviderLeadsToTheEngineOfTheContainer() {
        assertThat(provider.getEngineName()).isEqualTo("MoE");
        assertThat(provider.getEngine()).isSameAs(engine);
        assertThat(services).isSameAs(everything.select(EngineServices.class).get());
    }

    @Test
    void nothingIsLoadedOrConnectedByMakingIt() {
        assertThat(registry.models()).isEmpty();
        assertThat(link.bridge()).isEmpty();
        assertThat(settings.maxRequestBytes()).isPositive();
        assertThat(loader).isNotNull();
    }
}
