package io.greenroom.plugin.protocol.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is expected here is what Python's Jinja renders in the environment of Transformers. */
@Timeout(60)
class ChatTemplateTest {

    private static final Map<String, String> TOKENS =
            Map.of("bos_token", "<s>", "eos_token", "</s>");

    private static final List<Map<String, Object>> TALK =
            List.of(
                    message("system", "Be brief."),
                    message("user", " A "),
                    message("assistant", "<think>\nhm\n</think>\n\nB"),
                    message("user", "C <&> \"d\""));

    private static Map<String, Object> message(String role, Object content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private static String render(String template) throws TemplateException {
        return render(template, TALK, Map.of());
    }

    private static String render(
            String template, List<Map<String, Object>> messages, Map<String, Object> extra)
            throws TemplateException {
        return new ChatTemplate(template, TOKENS).render(messages, true, extra);
    }

    @Test
    void chatMl() throws Exception {
        String template =
                "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' +"
                        + " message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if"
                        + " add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

        assertThat(render(template))
                .isEqualTo(
                        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n A <|im_end|>\n"
                                + "<|im_start|>assistant\n<think>\nhm\n</think>\n\nB<|im_end|>\n"
                                + "<|im_start|>user\nC <&> \"d\"<|im_end|>\n<|im_start|>assistant\n");
        assertThat(new ChatTemplate(template, TOKENS).render(TALK.subList(1, 2), false, Map.of()))
                .isEqualTo("<|im_start|>user\n A <|im_end|>\n");
    }

    /** The kind of template Qwen3 has: namespaces, slices, Python's string methods. */
    @Test
    void reasoningIsCutFromEarlierTurns() throws Exception {
        String template =
                """
                {%- if messages[0].role == 'system' %}
                    {{- '[S]' + messages[0].content + '\\n' }}
                {%- endif %}
                {%- set ns = namespace(open=true, last=messages|length - 1) %}
                {%- for message in messages[::-1] %}
                    {%- set index = (messages|length - 1) - loop.index0 %}
                    {%- if ns.open and message.role == "user" and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
                        {%- set ns.open = false %}
                        {%- set ns.last = index %}
                    {%- endif %}
                {%- endfor %}
                last={{ ns.last }}
                {% for message in messages %}
                    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
                        {{- '[U]' + message.content + '\\n' }}
                    {%- elif message.role == "assistant" %}
                        {%- set content = message.content %}
                        {%- if message.reasoning is defined and message.reasoning is not none %}
                            {%- set reasoning = message.reasoning %}
                        {%- elif '</think>' in content %}
                            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
                        {%- endif %}
                        {{- '[A]' + content + ' (' + reasoning + ')\\n' }}
                    {%- endif %}
                {%- endfor %}
                {%- if not thinking is defined %}none{% endif %}
                """;

        assertThat(render(template))
                .isEqualTo("[S]Be brief.\nlast=3\n[U] A \n[A]B (hm)\n[U]C <&> \"d\"\nnone");
        assertThat(render(template, TALK, Map.of("thinking", false))).doesNotContain("none");
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            textBlock =
                    """
                    {{ messages[-1]['content'] }}  =>  `C <&> "d"`
                    {{ messages[1].content|trim }}.  =>  A.
                    {% for m in messages if m.role != 'user' %}{{ loop.index }}{{ m.role }}{{ '' if loop.last else ' ' }}{% endfor %}  =>  1system 2assistant
                    {% for m in messages[1:] %}{{ loop.index0 }}{{ loop.last }}{% endfor %}  =>  0false1false2true
                    {% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}  =>  a1b2
                    {{ messages | selectattr('role', 'equalto', 'user') | list | length }}  =>  2
                    {{ messages | map(attribute='role') | join(',') }}  =>  system,user,assistant,user
                    {{ 'yes' if messages[0]['role'] == 'system' else 'no' }}  =>  yes
                    {{ messages[9].content is defined }} {{ nothing is defined }}  =>  false false
                    {{ messages[0] is mapping }} {{ 'a' is string }} {{ 'a' is iterable }} {{ 3 is number }}  =>  true true true true
                    {{ 'a-b-c'.split('-', 1)[1] }} {{ 'a b  c'.split()[2] }}  =>  b-c c
                    {{ 'xxaxx'.strip('x') }} {{ 'a.b'.replace('.', ',') }} {{ 'ab'.upper() }} {{ 'a b'.title() }}  =>  a a,b AB A B
                    {{ 'abc'[1:] }} {{ 'abc'[-1] }} {{ 'abc'[::-1] }}  =>  bc c cba
                    {{ 7 // 2 }} {{ 7 % 2 }} {{ 'n' ~ 1 }}  =>  3 1 n1
                    {% set x = 1 %}{% for m in messages %}{% set x = 2 %}{% endfor %}{{ x }}  =>  1
                    {%- macro m(a, b='!') -%}<{{ a }}{{ b }}>{%- endmacro -%}{{ m('x') }}{{ m('y', b='?') }}  =>  <x!><y?>
                    {% generation %}in{% endgeneration %}  =>  in
                    {{ bos_token + eos_token }}  =>  <s></s>
                    {{ 'x' in 'xyz' and 'role' in messages[0] }}  =>  true
                    """)
    void expressionsMeanWhatTheyMeanInPython(String template, String expected) throws Exception {
        assertThat(render(template)).isEqualTo(expected);
    }

    @Test
    void whitespaceIsControlledAsInTransformers() throws Exception {
        assertThat(
                        render(
                                "a\n  {% if true %}\n  b\n  {% endif %}\n{# note #}\nc {%- if true -%}"
                                        + " \n d {%- endif %} e"))
                .isEqualTo("a\n  b\nc" + "d e");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ messages[0].content }}",
                "{{- messages[0]['content'] -}}",
                "{{ '' + messages[0].content }}",
                "{{ messages[0].content + '' }}",
                "{{ '' ~ messages[0].content }}",
                "{% set c = messages[0].content %}{{ c }}",
                "{% for m in messages %}{{ m.content }}{% endfor %}",
                "{% macro say(c) %}{{ c }}{% endmacro %}{{ say(messages[0].content) }}"
            })
    void aMessageIsWrittenAsItStands(String source) throws Exception {
        ChatTemplate template = new ChatTemplate(source, TOKENS);
        List<String> contents =
                new ArrayList<>(
                        List.of(
                                "'quoted'",
                                "\"quoted\"",
                                "'",
                                "\"",
                                "''",
                                "'a' + 'b'",
                                "\\n \\\\n \\\" \\' \\u0041 \\",
                                "\\",
                                " \t lead and trail \n\n",
                                "\r\n",
                                "{{ 1 + 1 }} {% raw %} {# no #}",
                                "\uD83D\uDE00 e\u0301 \u2028 \u00A0 \uFEFF",
                                "<b>&amp;&lt;",
                                "[1, 'a', None]",
                                "true"));
        for (char c = 0; c < 256; c++) {
            contents.add("a" + c + "b");
            contents.add("'" + c + "'");
        }
        for (String content : contents) {
            assertThat(template.render(List.of(message("user", content)), true, Map.of()))
                    .isEqualTo(content);
        }
    }

    @Test
    void jsonIsWrittenAsPythonWritesIt() throws Exception {
        List<Object> list = new ArrayList<>(List.of(1, 2.5, "x", true, Map.of()));
        list.add(null);
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("b", list);
        value.put("a", Map.of("k", "\u00e9\"\\\n\u0001<"));

        assertThat(render("{{ value | tojson }}", TALK, Map.of("value", value)))
                .isEqualTo(
                        "{\"b\": [1, 2.5, \"x\", true, {}, null], \"a\": {\"k\":"
                                + " \"\u00e9\\\"\\\\\\n\\u0001<\"}}");
    }

    @Test
    void jsonCanBeIndented() throws Exception {
        assertThat(render("{{ {'a': [1, {}], 'b': []} | tojson(indent=2) }}"))
                .isEqualTo("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    }

    @Test
    void whatTheTemplateRefusesIsTheClientsMistake() throws Exception {
        ChatTemplate template =
                new ChatTemplate(
                        "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 =="
                                + " 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{%"
                                + " endfor %}ok",
                        TOKENS);
        TemplateException refused =
                catchThrowableOfType(
                        TemplateException.class, () -> template.render(TALK, true, Map.of()));

        assertThat(refused.raised()).isTrue();
        assertThat(refused).hasMessage("Roles must alternate");
        assertThat(template.render(TALK.subList(1, 4), true, Map.of())).isEqualTo("ok");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for m in messages %}{{ m.content }}",
                "{{ messages | nosuchfilter }}",
                "{% for m in messages %}{% if m is nosuchtest %}a{% endif %}{% endfor %}",
                "{{ messages[0].content.nosuchmethod() }}",
                "{{ messages[0].content | }}",
                "{% include 'file' %}",
                "{{ loop.previtem }}{% for m in messages %}{{ loop.previtem }}{% endfor %}",
                "{{ strftime_now('%Q') }}",
            })
    void templatesThatCannotWorkAreFoundAtOnce(String template) {
        TemplateException broken =
                catchThrowableOfType(
                        TemplateException.class, () -> new ChatTemplate(template, TOKENS));

        assertThat(broken).isNotNull();
        assertThat(broken.raised()).isFalse();
        assertThat(broken.getMessage()).startsWith("The chat template failed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ messages.class }}",
                "{{ messages.getClass() }}",
                "{{ ''.getClass().forName('java.lang.Runtime') }}",
                "{{ messages[0].role.class.classLoader }}",
                "{{ ____int3rpr3t3r____ }}",
                "{{ ____int3rpr3t3r____.getConfig() }}",
            })
    void templatesCannotReachJava(String template) {
        String text;
        try {
            text = render(template);
        } catch (TemplateException e) {
            return;
        }
        assertThat(text).doesNotContainIgnoringCase("java").doesNotContain("hubspot");
    }

    @Test
    void templatesCannotRunForEver() {
        String nested =
                "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
                        + "{% if a %}{% endif %}{% endfor %}{% endfor %}{% endfor %}";
        assertThatThrownBy(() -> new ChatTemplate(nested, TOKENS))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("rendered more than");
        String growing =
                "{% set ns = namespace(s='x') %}{% for a in range(99) %}{% set ns.s = ns.s + ns.s"
                        + " %}{% endfor %}{{ ns.s }}";
        assertThatThrownBy(() -> new ChatTemplate(growing, TOKENS))
                .isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> new ChatTemplate("x".repeat(2 << 20), TOKENS))
                .hasMessageContaining("at most 1048576 are accepted");
    }

    @Test
    void clientsCannotReplaceWhatTheTemplateIsGiven() throws Exception {
        assertThat(
                        render(
                                "{{ bos_token }}{{ messages | length }}",
                                TALK,
                                Map.of("bos_token", "x", "messages", List.of())))
                .isEqualTo("<s>4");
    }

    @Test
    void whatAClientSaysIsNotATemplate() throws Exception {
        assertThat(
                        render(
                                "{{ messages[0].content }}",
                                List.of(message("user", "{{ 1 + 1 }}{% raw %}")),
                                Map.of()))
                .isEqualTo("{{ 1 + 1 }}{% raw %}");
    }

    @Test
    void renderingDoesNotChangeTheMessages() throws Exception {
        List<Map<String, Object>> messages = new ArrayList<>(TALK);
        render("{{ messages.pop().role }}{{ messages.append(1) }}", messages, Map.of());

        assertThat(messages).isEqualTo(TALK);
    }
}
