package io.greenroom.plugin.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelNamesTest {

    @TempDir private Path folder;
    private final ModelNames names = new ModelNames();
    private MoeEngineModel first;
    private MoeEngineModel second;
    private MoeEngineModel third;

    @BeforeEach
    void load() throws Exception {
        first = Models.loaded(new FakeMoeModel(), folder);
        second = Models.loaded(new FakeMoeModel(), folder);
        third = Models.loaded(new FakeMoeModel(), folder);
    }

    @AfterEach
    void close() {
        List.of(first, second, third).forEach(MoeEngineModel::close);
    }

    @Test
    void modelsOfOneNameAreToldApartAndStaySo() {
        assertThat(names.of(List.of(first, second, third)))
                .containsExactly(
                        Map.entry("demo", first),
                        Map.entry("demo#2", second),
                        Map.entry("demo#3", third));
        assertThat(names.of(List.of(second, third)))
                .as("after the first was unloaded")
                .containsExactly(Map.entry("demo#2", second), Map.entry("demo#3", third));
        assertThat(names.of(List.of(second, third, first)))
                .as("after it was loaded again")
                .containsExactly(
                        Map.entry("demo#2", second),
                        Map.entry("demo#3", third),
                        Map.entry("demo", first));
    }

    @Test
    void aNewNameCounts() {
        assertThat(names.of(List.of(first, second))).containsKeys("demo", "demo#2");
        second.setProperty("metric_dimension", "other");
        assertThat(names.of(List.of(first, second)))
                .containsExactly(Map.entry("demo", first), Map.entry("other", second));
    }
}
