package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.browser.Browser;
import io.greenroom.it.browser.CutOffProxy;
import io.greenroom.it.browser.SkipWithoutBrowser;
import io.greenroom.it.container.ServerSuite;
import java.io.IOException;
import java.net.URL;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.openqa.selenium.Keys;

/** The page in a browser, under traffic. Pictures of it are left in {@code target/dashboard}. */
@ServerSuite
@ExtendWith(SkipWithoutBrowser.class)
class DashboardIT {

    private static final String MODEL = "dashboard-demo";
    private static final String CARD = "article[data-model='" + MODEL + "']";
    private static final String MAP = CARD + " canvas[data-is='map']";
    private static final Path PICTURES =
            Path.of("target", "dashboard", System.getProperty("arquillian.launch", "alone"));

    /** What would run if the page took names for markup. */
    private static final String NASTY = "<img src=x onerror=\"document.title='owned'\">";

    @ArquillianResource private URL url;
    private ServerClient server;
    private CutOffProxy network;
    private Browser browser;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(
                TestModels.archive("dashboard"),
                MODEL,
                TestModels.demo(),
                "option.expert_budget=25%");
    }

    @BeforeEach
    void open() throws IOException {
        server = new ServerClient(url);
        network = new CutOffProxy(url);
        browser = new Browser();
    }

    @AfterEach
    void close() {
        browser.close();
        network.close();
    }

    private void openPage() {
        browser.open(network.url() + "/moe/dashboard");
        awaitLink("live");
        ServerClient.await("the model", () -> browser.count(CARD) == 1);
    }

    private void awaitLink(String state) {
        ServerClient.await(
                "the link to be " + state,
                () -> state.equals(browser.run("return document.documentElement.dataset.link")));
    }

    private void traffic(int tokens) {
        for (String question : List.of("What is a hacker?", "In the beginning", "class Main")) {
            HttpResponse<String> answer =
                    server.post("/v1/chat/completions", ServerClient.chat(MODEL, question, tokens));
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        }
    }

    private void assertNothingElseWasFetched() {
        assertThat(browser.complaints()).isEmpty();
        assertThat(browser.fetched())
                .isNotEmpty()
                .allMatch(
                        address ->
                                address.startsWith(network.url() + "/moe/")
                                        || address.startsWith("data:"));
    }

    @Test
    void theHeatMapFillsUnderTraffic() throws Exception {
        openPage();
        traffic(16);
        JsonObject status = server.status(MODEL);
        ServerClient.await(
                "all tokens",
                () ->
                        browser.data(CARD, "tokens")
                                == status.getAsJsonObject("requests")
                                        .get("tokens_out")
                                        .getAsLong());
        assertThat(browser.data(MAP, "used")).isPositive();
        assertThat(browser.data(MAP, "resident"))
                .isEqualTo(status.getAsJsonObject("experts").get("resident").getAsLong());
        assertThat(colours()).isGreaterThan(10);
        assertThat(browser.text(CARD + " h2")).isEqualTo(MODEL);
        assertThat(browser.text(CARD + " [data-is='readout']")).contains("Busiest: expert");
        assertThat(browser.text(CARD + " [data-is='hits']")).contains("%");
        assertThat(browser.text("#sinks")).contains("log");

        browser.find(MAP).sendKeys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN);
        assertThat(browser.text(CARD + " [data-is='readout']"))
                .startsWith("Layer 1, expert 0,")
                .contains("Routed ");
        browser.find(MAP).sendKeys(Keys.ESCAPE);
        browser.screenshot(PICTURES.resolve("light.png"));
        assertNothingElseWasFetched();
    }

    /** Different colours among the pixels of the heat map. */
    private long colours() {
        return (Long)
                browser.run(
                        "const c = document.querySelector(arguments[0]);"
                                + " const p = c.getContext('2d').getImageData(0, 0, c.width,"
                                + " c.height).data; const seen = new Set(); for (let i = 0; i <"
                                + " p.length; i += 4) if (p[i + 3] === 255) seen.add(p[i] << 16 |"
                                + " p[i + 1] << 8 | p[i + 2]); return seen.size;",
                        MAP);
    }

    @Test
    void theBudgetIsChangedOnThePage() throws Exception {
        openPage();
        traffic(8);
        ServerClient.await("the curve", () -> browser.count(CARD + " .curve path") > 0);
        long before = browser.data(CARD, "slots");
        assertThat(browser.find(CARD + " .apply").isEnabled()).isFalse();

        browser.find(CARD + " input[type='range']").sendKeys(Keys.END);
        assertThat(browser.text(CARD + " .promise"))
                .contains("found in memory")
                .contains(". Now: ");
        browser.find(CARD + " .apply").sendKeys(Keys.ENTER);

        ServerClient.await(
                "the answer", () -> browser.text(CARD + " .result").startsWith("In force after"));
        JsonObject experts = server.status(MODEL).getAsJsonObject("experts");
        assertThat(experts.get("slots")).isEqualTo(experts.get("total"));
        assertThat(browser.text(CARD + " .result"))
                .contains(before + " to " + experts.get("total") + " experts");
        ServerClient.await(
                "the page to follow",
                () -> browser.data(CARD, "slots") == experts.get("total").getAsLong());
        traffic(16);
        ServerClient.await(
                "the effect",
                () -> browser.text(CARD + " .result").contains("Found in memory since:"));
        browser.screenshot(PICTURES.resolve("budget.png"));
        assertNothingElseWasFetched();

        browser.run(
                "window.fetch = () => Promise.resolve(new Response(JSON.stringify({error: {message:"
                        + " 'The smallest budget that works is <b>12</b> bytes'}}), {status: 400}))");
        browser.find(CARD + " input[type='range']").sendKeys(Keys.HOME);
        browser.find(CARD + " .apply").sendKeys(Keys.ENTER);
        ServerClient.await(
                "the refusal",
                () ->
                        browser.text(CARD + " .result")
                                .contains("The smallest budget that works is <b>12</b> bytes"));
        server.put("/moe/models/" + MODEL + "/budget", "{\"expert_budget\": \"25%\"}");
    }

    @Test
    void aCutLineIsSaidAndMended() throws Exception {
        openPage();
        network.cut();
        awaitLink("waiting");
        assertThat(browser.text("#link")).isEqualTo("The server does not answer.");
        assertThat(browser.text("#countdown")).startsWith("Trying again in");
        assertThat(browser.find("#retry").isDisplayed()).isTrue();
        browser.screenshot(PICTURES.resolve("cut.png"));

        network.mend();
        awaitLink("live");
        long frames = browser.data("html", "frames");
        ServerClient.await("news", () -> browser.data("html", "frames") > frames + 1);
        assertThat(browser.count(CARD)).isEqualTo(1);
        assertThat(browser.find("#retry").isDisplayed()).isFalse();
    }

    @Test
    void itIsReadableInTheDarkAndOnAPhone() throws Exception {
        browser.prefer("prefers-color-scheme", "dark");
        openPage();
        traffic(8);
        assertThat(brightness("background-color")).isLessThan(60);
        assertThat(brightness("color")).isGreaterThan(180);
        browser.screenshot(PICTURES.resolve("dark.png"));
        browser.find("#theme").click(); // from auto to light
        ServerClient.await("light", () -> brightness("background-color") > 200);
        assertThat(brightness("color")).isLessThan(80);

        browser.phone(360, 780);
        ServerClient.await("the phone", () -> width() == 360);
        assertThat(tooWide()).isEqualTo("");
        browser.screenshot(PICTURES.resolve("phone.png"));
        assertNothingElseWasFetched();
    }

    private long width() {
        return (Long) browser.run("return document.documentElement.clientWidth");
    }

    /** What sticks out of the window. */
    private Object tooWide() {
        return browser.run(
                "return document.documentElement.scrollWidth > 360 ? 'scrolls' : [...document"
                        + ".querySelectorAll('body *')].filter(e => e.getClientRects().length > 0 &&"
                        + " e.getBoundingClientRect().right > 361 && !e.closest('svg'))"
                        + ".map(e => e.outerHTML.slice(0, 80)).join()");
    }

    private double brightness(String property) {
        return ((Number)
                        browser.run(
                                "const c = getComputedStyle(document.body).getPropertyValue("
                                        + "arguments[0]).match(/\\d+/g).map(Number);"
                                        + " return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];",
                                property))
                .doubleValue();
    }

    @Test
    void whoMayNotChangeBudgetsReadsWhy() {
        network.replace(
                "{\"allowed\":true,\"reason\":null}", "{\"allowed\":false,\"reason\":\"-\"}");
        openPage();
        ServerClient.await("the reason", () -> browser.text(CARD + " .result").equals("-"));
        browser.find(CARD + " input[type='range']").sendKeys(Keys.END);
        assertThat(browser.find(CARD + " .apply").isEnabled()).isFalse();
    }

    @Test
    void namesAreTextAndModelsComeAndGo() {
        openPage();
        assertThat(load(NASTY).statusCode()).isEqualTo(200);
        ServerClient.await("a second model", () -> browser.count("article") == 2);
        assertThat(
                        browser.run(
                                "return [...document.querySelectorAll('h2')].map(e => e.textContent)"))
                .asString()
                .contains(NASTY);
        assertThat(browser.count("#contents a")).isEqualTo(2);
        assertThat(browser.count("img")).isZero();
        assertThat(browser.title()).isEqualTo("Greenroom");
        assertThat(server.delete("/models/" + encoded(NASTY)).statusCode()).isEqualTo(200);
        assertThat(server.delete("/models/" + MODEL).statusCode()).isEqualTo(200);
        ServerClient.await("no model", () -> browser.find("#empty").isDisplayed());
        assertThat(browser.text("#empty")).contains("No model is loaded");
        assertThat(browser.count("article")).isZero();
        assertThat(load(MODEL).statusCode()).isEqualTo(200);
        ServerClient.await("the model again", () -> browser.count(CARD) == 1);
        assertThat(browser.find("#empty").isDisplayed()).isFalse();
        assertNothingElseWasFetched();
    }

    private HttpResponse<String> load(String name) {
        String folder =
                Path.of(
                                System.getProperty("user.dir"),
                                "target/it",
                                System.getProperty("arquillian.launch"),
                                "deployments/dashboard.models",
                                MODEL)
                        .toUri()
                        .toString();
        return server.send(
                HttpRequest.newBuilder(
                                server.uri(
                                        "/models?model_name="
                                                + encoded(name)
                                                + "&url="
                                                + encoded(folder)))
                        .POST(BodyPublishers.noBody()));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
