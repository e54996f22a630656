package io.greenroom.it.browser;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.regex.Pattern;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A headless Chromium that notes what pages write to the console and what they fetch. */
public final class Browser implements AutoCloseable {

    private static final List<String> NAMES =
            List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

    private final ChromeDriver driver;

    /** Starts one with a desktop's window. */
    public Browser() {
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium().orElseThrow().toFile());
        options.addArguments(
                "--headless=new",
                "--no-sandbox", // CI runs as root
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--hide-scrollbars",
                "--window-size=1440,900");
        options.setCapability("goog:loggingPrefs", logs);
        ChromeDriverService service =
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(onPath("chromedriver").orElseThrow().toFile())
                        .usingAnyFreePort()
                        .build();
        driver = new ChromeDriver(service, options);
    }

    static boolean isHere() {
        return chromium().isPresent() && onPath("chromedriver").isPresent();
    }

    private static Optional<Path> chromium() {
        return NAMES.stream().flatMap(name -> onPath(name).stream()).findFirst();
    }

    private static Optional<Path> onPath(String program) {
        return Pattern.compile(Pattern.quote(File.pathSeparator))
                .splitAsStream(System.getenv().getOrDefault("PATH", ""))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    public void open(String url) {
        driver.get(url);
    }

    public String title() {
        return driver.getTitle();
    }

    public WebElement find(String selector) {
        return driver.findElement(By.cssSelector(selector));
    }

    public int count(String selector) {
        return driver.findElements(By.cssSelector(selector)).size();
    }

    /** The text of an element, empty if there is none. */
    public String text(String selector) {
        List<WebElement> found = driver.findElements(By.cssSelector(selector));
        return found.isEmpty() ? "" : found.get(0).getText();
    }

    /** A data attribute as a number; -1 if it is not there. */
    public long data(String selector, String name) {
        Object value =
                run(
                        "const e = document.querySelector(arguments[0]);"
                                + "return e && e.dataset[arguments[1]]",
                        selector,
                        name);
        return value == null ? -1 : Long.parseLong(value.toString());
    }

    public Object run(String script, Object... arguments) {
        return driver.executeScript(script, arguments);
    }

    /** What the operating system says of itself. */
    public void prefer(String feature, String value) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", feature, "value", value))));
    }

    /** Makes the window a phone's. */
    public void phone(int width, int height) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 2, "mobile", true));
    }

    /** Errors and warnings on the console since the last call. */
    public List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
                .map(LogEntry::getMessage)
                .toList();
    }

    /** Addresses that pages fetched since the last call. */
    public List<String> fetched() {
        return driver.manage().logs().get(LogType.PERFORMANCE).getAll().stream()
                .map(entry -> JsonParser.parseString(entry.getMessage()).getAsJsonObject())
                .map(entry -> entry.getAsJsonObject("message"))
                .filter(
                        message ->
                                message.get("method")
                                        .getAsString()
                                        .equals("Network.requestWillBeSent"))
                .map(message -> message.getAsJsonObject("params").getAsJsonObject("request"))
                .map(request -> request.get("url").getAsString())
                .toList();
    }

    /** Writes the whole page as a picture. */
    public void screenshot(Path file) throws IOException {
        JsonObject size =
                JsonParser.parseString(
                                (String)
                                        run(
                                                "const e = document.documentElement; return"
                                                        + " JSON.stringify({width: e.clientWidth,"
                                                        + " height: e.scrollHeight})"))
                        .getAsJsonObject();
        Map<String, Object> picture =
                driver.executeCdpCommand(
                        "Page.captureScreenshot",
                        Map.of(
                                "captureBeyondViewport",
                                true,
                                "clip",
                                Map.of(
                                        "x",
                                        0,
                                        "y",
                                        0,
                                        "width",
                                        size.get("width").getAsInt(),
                                        "height",
                                        size.get("height").getAsInt(),
                                        "scale",
                                        1)));
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.write(file, Base64.getDecoder().decode((String) picture.get("data")));
    }

    @Override
    public void close() {
        driver.quit();
    }
}
