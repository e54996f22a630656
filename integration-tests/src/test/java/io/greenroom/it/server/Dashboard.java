package io.greenroom.it.server;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The Grafana dashboard of docs/grafana, as far as Prometheus is concerned. */
final class Dashboard {

    private static final Path FILE = Path.of("..", "docs", "grafana", "greenroom.json");

    private static final Pattern METRIC = Pattern.compile("greenroom_[a-zA-Z0-9_]*");
    private static final Pattern SELECTOR =
            Pattern.compile("(greenroom_[a-zA-Z0-9_]*)\\{([^}]*)\\}");
    private static final Pattern MATCHER =
            Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)\\s*(?:=~|!~|!=|=)");
    private static final Pattern GROUPING = Pattern.compile("\\bby\\s*\\(([^)]*)\\)");
    private static final Pattern LEGEND = Pattern.compile("\\{\\{\\s*([a-zA-Z_]+)\\s*\\}\\}");

    private final JsonObject json;

    /** A query, and the legend of what it gives. */
    record Query(String panel, String expression, String legend) {

        Set<String> metrics() {
            return all(METRIC, expression, 0);
        }

        /** Labels asked of each metric by its own selector. */
        List<Map.Entry<String, Set<String>>> selectors() {
            List<Map.Entry<String, Set<String>>> selectors = new ArrayList<>();
            Matcher selector = SELECTOR.matcher(expression);
            while (selector.find()) {
                selectors.add(Map.entry(selector.group(1), all(MATCHER, selector.group(2), 1)));
            }
            return selectors;
        }

        /** Labels that the result is grouped by or named after. */
        Set<String> resultLabels() {
            Set<String> labels = new TreeSet<>(all(LEGEND, legend, 1));
            for (String group : all(GROUPING, expression, 1)) {
                for (String label : group.split(",", -1)) {
                    labels.add(label.strip());
                }
            }
            return labels;
        }

        /** As Prometheus would be asked. */
        String asAsked() {
            return expression.replace("$__rate_interval", "1m").replace("$model", ".*");
        }

        private static Set<String> all(Pattern pattern, String text, int group) {
            Set<String> found = new TreeSet<>();
            Matcher matcher = pattern.matcher(text);
            while (matcher.find()) {
                found.add(matcher.group(group));
            }
            return found;
        }
    }

    private Dashboard(JsonObject json) {
        this.json = json;
    }

    static Dashboard read() throws IOException {
        return new Dashboard(JsonParser.parseString(Files.readString(FILE)).getAsJsonObject());
    }

    /** Panels that show something. */
    List<JsonObject> panels() {
        List<JsonObject> panels = new ArrayList<>();
        for (JsonElement panel : json.getAsJsonArray("panels")) {
            if (!panel.getAsJsonObject().get("type").getAsString().equals("row")) {
                panels.add(panel.getAsJsonObject());
            }
        }
        return panels;
    }

    List<Query> queries() {
        List<Query> queries = new ArrayList<>();
        for (JsonObject panel : panels()) {
            for (JsonElement target : panel.getAsJsonArray("targets")) {
                JsonObject query = target.getAsJsonObject();
                queries.add(
                        new Query(
                                panel.get("title").getAsString(),
                                query.get("expr").getAsString(),
                                query.get("legendFormat").getAsString()));
            }
        }
        return queries;
    }

    /** The variables' own queries, by name. */
    JsonObject variable(String name) {
        for (JsonElement variable : json.getAsJsonObject("templating").getAsJsonArray("list")) {
            if (variable.getAsJsonObject().get("name").getAsString().equals(name)) {
                return variable.getAsJsonObject();
            }
        }
        throw new AssertionError("The dashboard has no variable " + name);
    }
}
