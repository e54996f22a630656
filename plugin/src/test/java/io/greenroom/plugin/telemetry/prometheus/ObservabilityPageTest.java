package io.greenroom.plugin.telemetry.prometheus;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.offload.jfr.FlightEvents;
import io.greenroom.plugin.jmx.ModelMXBean;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.ValueDescriptor;
import org.junit.jupiter.api.Test;

/** docs/observability.md tells what there is. */
class ObservabilityPageTest {

    private static final Path PAGE = Path.of("..", "docs", "observability.md");
    private static final String BEGIN = "-Dgreenroom.docs.write=true -->\n";
    private static final String END = "<!-- end of series -->";
    private static final Pattern QUOTED = Pattern.compile("`([A-Za-z]+)`");

    @Test
    void theTableOfSeriesIsThatOfTheCode() throws Exception {
        String page = Files.readString(PAGE);
        int from = page.indexOf(BEGIN) + BEGIN.length();
        int to = page.indexOf(END);
        assertThat(from).isBetween(BEGIN.length(), to);
        if (Boolean.getBoolean("greenroom.docs.write")) {
            Files.writeString(PAGE, page.substring(0, from) + table() + page.substring(to));
            return;
        }
        assertThat(page.substring(from, to)).isEqualTo(table());
    }

    private static String table() {
        StringBuilder table =
                new StringBuilder("| series | type | labels | meaning |\n|---|---|---|---|\n");
        for (Metric metric : Metric.values()) {
            String labels =
                    metric.labels().stream()
                            .map(label -> "`" + label + "`")
                            .collect(Collectors.joining(" "));
            table.append("| `").append(metric.exposedName()).append("` | ");
            table.append(metric.type()).append(" | ").append(labels).append(" | ");
            table.append(metric.help()).append(" |\n");
        }
        return table.toString();
    }

    @Test
    void everyAttributeOfTheMBeanIsDescribed() throws Exception {
        Set<String> described = new TreeSet<>();
        for (String row : rows("| attribute |")) {
            Matcher names = QUOTED.matcher(row.split("\\|", -1)[1]);
            while (names.find()) {
                described.add(names.group(1));
            }
        }
        Set<String> there =
                Stream.of(ModelMXBean.class.getMethods())
                        .map(Method::getName)
                        .filter(name -> !name.startsWith("set"))
                        .map(name -> name.replaceFirst("^(get|is)", ""))
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(described).isEqualTo(there);
    }

    @Test
    void everyFlightEventIsDescribedWithItsFields() throws Exception {
        var unused = FlightEvents.listener(new FlightEvents.Source("any", false, 1, 1, id -> 1));
        List<String> described =
                rows("| event |").stream()
                        .map(row -> row.split("\\|", -1))
                        .map(cells -> cells[1].strip() + " " + cells[2].strip())
                        .sorted()
                        .toList();
        List<String> there =
                FlightRecorder.getFlightRecorder().getEventTypes().stream()
                        .filter(type -> type.getName().startsWith("greenroom."))
                        .map(ObservabilityPageTest::describe)
                        .sorted()
                        .toList();
        assertThat(described).hasSize(4).isEqualTo(there);
    }

    private static String describe(EventType type) {
        Set<String> ofEvery = Set.of("startTime", "duration", "eventThread", "stackTrace");
        return Stream.concat(
                        Stream.of(type.getName()),
                        type.getFields().stream()
                                .map(ValueDescriptor::getName)
                                .filter(name -> !ofEvery.contains(name)))
                .map(name -> "`" + name + "`")
                .collect(Collectors.joining(" "));
    }

    /** Rows of the table whose head begins so. */
    private static List<String> rows(String head) throws Exception {
        List<String> rows =
                Files.readAllLines(PAGE).stream()
                        .dropWhile(line -> !line.startsWith(head))
                        .skip(2)
                        .takeWhile(line -> line.startsWith("|"))
                        .toList();
        assertThat(rows).isNotEmpty();
        return rows;
    }
}
