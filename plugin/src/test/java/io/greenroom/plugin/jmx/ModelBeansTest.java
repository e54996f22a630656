package io.greenroom.plugin.jmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.plugin.engine.EngineServices;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineModel;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Set;
import javax.management.Attribute;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelBeansTest {

    private static final String ALL = "io.greenroom:type=Model,*";

    @TempDir private Path folder;

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final Deque<FakeMoeModel> next = new ArrayDeque<>();
    private EngineServices services;
    private ModelBeans beans;

    @BeforeEach
    void start() throws Exception {
        services = Models.services((path, options) -> next.remove());
        beans = new ModelBeans(services.registry(), true);
        beans.start();
    }

    @AfterEach
    void everyBeanIsGone() throws Exception {
        services.registry().closeAll();
        beans.close();
        assertThat(server.queryNames(new ObjectName(ALL), null)).isEmpty();
    }

    private MoeEngineModel load(FakeMoeModel fake, String name) throws Exception {
        next.add(fake);
        MoeEngineModel model = (MoeEngineModel) new MoeEngine(services).newModel("folder", null);
        model.load(folder, null, Map.of());
        model.setProperty("metric_dimension", name);
        return model;
    }

    private static ObjectName name(String model) throws Exception {
        return new ObjectName("io.greenroom:type=Model,name=" + ObjectName.quote(model));
    }

    @Test
    void statisticsCanBeRead() throws Exception {
        FakeMoeModel fake = new FakeMoeModel();
        fake.times().note(2_000_000_000);
        load(fake, "demo");

        assertThat(server.queryNames(new ObjectName(ALL), null)).containsExactly(name("demo"));
        for (MBeanAttributeInfo info : server.getMBeanInfo(name("demo")).getAttributes()) {
            assertThat(server.getAttribute(name("demo"), info.getName()))
                    .as(info.getName())
                    .isNotNull();
        }
        assertThat(server.getAttribute(name("demo"), "Name")).isEqualTo("demo");
        assertThat(server.getAttribute(name("demo"), "ExpertBudget")).isEqualTo("auto");
        assertThat(server.getAttribute(name("demo"), "ResidentExpertBytes")).isEqualTo(500L);
        assertThat(server.getAttribute(name("demo"), "HitRate")).isEqualTo(0.75);
        assertThat(server.getAttribute(name("demo"), "MeanFirstTokenSeconds")).isEqualTo(2.0);
        assertThat(server.getAttribute(name("demo"), "KvCacheUsedBytes")).isEqualTo(15L);
        assertThat(server.getAttribute(name("demo"), "PrefetchOn")).isEqualTo(true);
    }

    @Test
    void theBudgetCanBeChangedAndIsChecked() throws Exception {
        FakeMoeModel fake = new FakeMoeModel();
        load(fake, "demo");
        server.setAttribute(name("demo"), new Attribute("ExpertBudget", "40%"));
        assertThat(fake.budget()).hasToString("40%");
        assertThat(server.getAttribute(name("demo"), "ExpertBudget")).isEqualTo("40%");

        assertThatThrownBy(() -> set("lots"))
                .isInstanceOf(RuntimeMBeanException.class)
                .cause()
                .isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Not a budget: \"lots\"");
        assertThatThrownBy(() -> set("1%"))
                .cause()
                .isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessage("The smallest budget that works is 200 bytes")
                .hasNoCause();
        assertThat(fake.budget()).hasToString("40%");
    }

    private void set(String budget) throws Exception {
        server.setAttribute(name("demo"), new Attribute("ExpertBudget", budget));
    }

    @Test
    void reloadingDoesNotClash() throws Exception {
        MoeEngineModel first = load(new FakeMoeModel(), "demo");
        MoeEngineModel second = load(new FakeMoeModel(), "demo");
        assertThat(server.queryNames(new ObjectName(ALL), null))
                .containsExactlyInAnyOrder(name("demo"), name("demo#2"));
        first.close();
        assertThat(server.queryNames(new ObjectName(ALL), null)).containsExactly(name("demo#2"));
        MoeEngineModel third = load(new FakeMoeModel(), "demo");
        assertThat(server.queryNames(new ObjectName(ALL), null))
                .containsExactlyInAnyOrder(name("demo"), name("demo#2"));
        second.close();
        third.close();
        assertThat(server.queryNames(new ObjectName(ALL), null)).isEmpty();
    }

    @Test
    void anotherPluginOfTheProcessDoesNotClash() throws Exception {
        EngineServices others = Models.services((path, options) -> next.remove());
        ModelBeans otherBeans = new ModelBeans(others.registry(), true);
        otherBeans.start();
        load(new FakeMoeModel(), "demo");
        next.add(new FakeMoeModel());
        MoeEngineModel other = (MoeEngineModel) new MoeEngine(others).newModel("demo", null);
        other.load(folder, null, Map.of());
        assertThat(server.queryNames(new ObjectName(ALL), null))
                .containsExactlyInAnyOrder(name("demo"), name("demo#2"));
        other.close();
        otherBeans.close();
        assertThat(server.queryNames(new ObjectName(ALL), null)).containsExactly(name("demo"));
    }

    @Test
    void oddNamesAreQuoted() throws Exception {
        String odd = "a*b?c,d=\"e\"\\f\ng";
        load(new FakeMoeModel(), odd);
        Set<ObjectName> names = server.queryNames(new ObjectName(ALL), null);
        assertThat(names).containsExactly(name(odd));
        assertThat(ObjectName.unquote(names.iterator().next().getKeyProperty("name")))
                .isEqualTo(odd);
    }

    @Test
    void switchedOffThereAreNone() throws Exception {
        beans.close();
        ModelBeans off = new ModelBeans(services.registry(), false);
        off.start();
        load(new FakeMoeModel(), "demo");
        assertThat(server.queryNames(new ObjectName(ALL), null)).isEmpty();
    }
}
