package io.greenroom.plugin.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/**
 * The page as one file: its parts lie in the jar as an editor likes them, and are joined here. The
 * security policy names the joined script and style by their hashes, so that nothing else can run,
 * even if a name from outside found its way into the text.
 */
final class DashboardPage {

    private static final String FOLDER = "dashboard/";
    private static final String STYLE = "<!-- style -->";
    private static final String SCRIPT = "<!-- script -->";

    /** In the order in which they build on each other. */
    private static final List<String> SCRIPTS =
            List.of(
                    "text.js",
                    "stream.js",
                    "heatmap.js",
                    "charts.js",
                    "budget.js",
                    "model.js",
                    "page.js");

    private final byte[] html;
    private final String securityPolicy;

    private DashboardPage(byte[] html, String securityPolicy) {
        this.html = html;
        this.securityPolicy = securityPolicy;
    }

    /** Joins the page. */
    static DashboardPage read() {
        String style = "\n" + resource("dashboard.css");
        StringBuilder script = new StringBuilder("\n(() => {\n'use strict';\n\n");
        for (String name : SCRIPTS) {
            script.append(resource(name)).append('\n');
        }
        script.append("})();\n");
        String page =
                resource("dashboard.html")
                        .replace(STYLE, "<style>" + style + "</style>")
                        .replace(SCRIPT, "<script>" + script + "</script>");
        String policy =
                String.join(
                        "; ",
                        "default-src 'none'",
                        "script-src " + hash(script.toString()),
                        "style-src " + hash(style),
                        "connect-src 'self'",
                        "img-src data:",
                        "base-uri 'none'",
                        "form-action 'none'",
                        "frame-ancestors 'none'");
        return new DashboardPage(page.getBytes(StandardCharsets.UTF_8), policy);
    }

    /** The whole page, UTF-8. */
    byte[] html() {
        return html.clone();
    }

    /** The value of its Content-Security-Policy. */
    String securityPolicy() {
        return securityPolicy;
    }

    private static String hash(String text) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] hash = digest.digest(text.getBytes(StandardCharsets.UTF_8));
            return "'sha256-" + Base64.getEncoder().encodeToString(hash) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    private static String resource(String name) {
        try (InputStream in = DashboardPage.class.getResourceAsStream(FOLDER + name)) {
            if (in == null) {
                throw new IllegalStateException("The plugin's jar lacks " + FOLDER + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + FOLDER + name, e);
        }
    }
}
