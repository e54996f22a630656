package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DashboardPageTest {

    private final DashboardPage page = DashboardPage.read();
    private final String html = new String(page.html(), StandardCharsets.UTF_8);

    @Test
    void thePolicyAllowsTheOneScriptAndTheOneStyleAndNothingElse() throws Exception {
        assertThat(page.securityPolicy())
                .startsWith("default-src 'none'; ")
                .contains("script-src " + hash("script") + ";")
                .contains("style-src " + hash("style") + ";")
                .contains("frame-ancestors 'none'")
                .doesNotContain("unsafe");
    }

    private String hash(String tag) throws Exception {
        String text = only("<" + tag + ">(.*?)</" + tag + ">");
        byte[] hash =
                MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        return "'sha256-" + Base64.getEncoder().encodeToString(hash) + "'";
    }

    private String only(String pattern) {
        Matcher matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(html);
        assertThat(matcher.find()).as(pattern).isTrue();
        String found = matcher.group(1);
        assertThat(matcher.find()).as("a second " + pattern).isFalse();
        return found;
    }

    @Test
    void nothingIsFetchedFromElsewhere() {
        assertThat(html)
                .doesNotContain("<!-- style -->", "<!-- script -->")
                .doesNotContainPattern("(src|href)=\"(https?:)?//")
                .doesNotContainPattern("@import|: *url\\(")
                .doesNotContainPattern("<script[^>]+src");
        // The names of the SVG namespace are addresses that nobody visits.
        assertThat(html.replace("http://www.w3.org/2000/svg", ""))
                .doesNotContainPattern("https?://");
    }

    @Test
    void textFromOutsideCannotBecomeMarkup() {
        assertThat(html)
                .doesNotContainPattern("innerHTML|outerHTML|insertAdjacentHTML|document\\.write")
                .doesNotContainPattern(
                        "\\beval\\(|new Function|\\son[a-z]+=|javascript:|\\sstyle=");
    }
}
