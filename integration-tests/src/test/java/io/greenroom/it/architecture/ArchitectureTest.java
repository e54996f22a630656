package io.greenroom.it.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The arrows of docs/architecture.md: integration-tests to plugin to offload to gating to
 * expert-cache, nothing upwards, nothing round, and the host's world in the plugin only.
 */
class ArchitectureTest {

    private static final String CACHE = "io.greenroom.cache..";
    private static final String GATING = "io.greenroom.gating..";
    private static final String OFFLOAD = "io.greenroom.offload..";
    private static final String PLUGIN = "io.greenroom.plugin..";
    private static final String FLEET = "io.greenroom.fleet..";
    private static final String SERVING_API = "ai.djl.serving.plugins..";

    private static final DescribedPredicate<JavaClass> HAVE_NATIVE_METHODS =
            DescribedPredicate.describe(
                    "have native methods",
                    type ->
                            type.getMethods().stream()
                                    .anyMatch(m -> m.getModifiers().contains(JavaModifier.NATIVE)));

    /** Classes of the modules, as their builds left them. */
    private static JavaClasses house;

    @BeforeAll
    static void readClasses() {
        Path root = Path.of("").toAbsolutePath().getParent();
        house =
                new ClassFileImporter()
                        .withImportOption(ArchitectureTest::isNotPackageInfo)
                        .importPaths(
                                Stream.of(
                                                "expert-cache",
                                                "gating",
                                                "offload",
                                                "plugin",
                                                "plugin/fleet")
                                        .map(module -> root.resolve(module + "/target/classes"))
                                        .toList());
    }

    private static boolean isNotPackageInfo(Location location) {
        return new ImportOption.DoNotIncludePackageInfos().includes(location);
    }

    @ParameterizedTest
    @ValueSource(strings = {CACHE, GATING, OFFLOAD, PLUGIN, FLEET})
    void everyModuleIsThere(String module) {
        // A rule over no classes would hold whatever they do.
        String prefix = module.substring(0, module.length() - 1);
        assertThat(house.stream().map(JavaClass::getName))
                .anyMatch(name -> name.startsWith(prefix));
    }

    @Test
    void arrowsPointDown() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("plugin")
                .definedBy(PLUGIN)
                .layer("offload")
                .definedBy(OFFLOAD)
                .layer("gating")
                .definedBy(GATING)
                .layer("expert-cache")
                .definedBy(CACHE)
                .whereLayer("plugin")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("offload")
                .mayOnlyBeAccessedByLayers("plugin")
                .whereLayer("gating")
                .mayOnlyBeAccessedByLayers("plugin", "offload")
                .whereLayer("expert-cache")
                .mayOnlyBeAccessedByLayers("plugin", "offload", "gating")
                .check(house);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ai.djl..",
                "io.netty..",
                "io.prometheus..",
                "jakarta.enterprise..",
                "jakarta.inject..",
                "org.jboss.weld..",
                "org.apache.kafka..",
                "com.hubspot.jinjava..",
                "picocli.."
            })
    void onlyThePluginSees(String packages) {
        noClasses()
                .that()
                .resideOutsideOfPackages(PLUGIN, FLEET, SERVING_API)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(packages)
                .check(house);
    }

    @Test
    void flightEventsAreMadeInOnePlace() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.greenroom.offload.jfr..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.jfr..")
                .check(house);
    }

    /** So that the plugin works in a server that has another version of the library, or none. */
    @Test
    void onlyTheSeriesSeePrometheus() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.greenroom.plugin.telemetry.prometheus..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.prometheus..")
                .check(house);
    }

    @Test
    void theFleetKnowsFormatsOnly() {
        classes()
                .that()
                .resideInAPackage(FLEET)
                .should()
                .onlyDependOnClassesThat(
                        resideOutsideOfPackage("io.greenroom..")
                                .or(
                                        resideInAnyPackage(
                                                FLEET,
                                                "io.greenroom.plugin.heat..",
                                                "io.greenroom.cache.heat..")))
                .check(house);
        noClasses()
                .that()
                .resideOutsideOfPackage(FLEET)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(FLEET, "org.apache.kafka.streams..")
                .check(house);
    }

    @Test
    void onlyTheCacheSeesCaffeine() {
        noClasses()
                .that()
                .resideOutsideOfPackage(CACHE)
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.github.benmanes.caffeine..")
                .check(house);
    }

    @Test
    void theServerIsKnownByItsPluginInterfaceOnly() {
        // Everything else of the server is not there to compile against; reflection may look it up.
        classes()
                .that()
                .resideInAPackage("ai.djl.serving..")
                .should()
                .resideInAPackage(SERVING_API)
                .check(house);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cache", "gating", "offload", "plugin"})
    void packagesOfAModuleDoNotGoRound(String module) {
        slices().matching("io.greenroom." + module + ".(*)..")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(house);
    }

    @Test
    void nativeMethodsLiveWithTheKernelsAndTheirMemory() {
        classes()
                .that(HAVE_NATIVE_METHODS)
                .should()
                .resideInAnyPackage(
                        "io.greenroom.offload.kernel..",
                        "io.greenroom.offload.memory..",
                        "io.greenroom.offload.store..")
                .check(house);
    }

    @Test
    void theHotPathDoesNotLog() {
        noClasses()
                .that()
                .resideInAPackage("io.greenroom.gating..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.slf4j..", "java.util.logging..")
                .check(house);
    }

    @Test
    void nothingPrintsOrExitsButTheCommandLine() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.greenroom.plugin.cli..", FLEET)
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .orShould()
                .callMethod(System.class, "exit", int.class)
                .check(house);
    }
}
