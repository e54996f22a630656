package io.greenroom.plugin.cli;

import java.util.List;
import java.util.Locale;

/**
 * Panels of lines over the same axis, as SVG that is readable on light and on dark ground. Text is
 * text, so that it can be searched.
 */
final class LineChart {

    private static final int PANEL_WIDTH = 380;
    private static final int PANEL_HEIGHT = 300;
    private static final int LEFT = 52;
    private static final int RIGHT = 14;
    private static final int TOP = 64;
    private static final int BOTTOM = 44;
    private static final int LEGEND_LINE = 18;
    private static final int LEGEND_COLUMN = 190;

    /**
     * Told apart by the colour-blind too (Okabe and Ito); grey and further ones by their dashes.
     */
    private static final List<String> COLOURS =
            List.of(
                    "#888888", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
                    "#b59a00");

    /**
     * One line.
     *
     * @param name in the legend
     * @param colour index of the colour
     * @param dashed whether it is drawn with gaps
     * @param values one for each place on the axis; NaN where there is none
     */
    record Series(String name, int colour, boolean dashed, List<Double> values) {}

    /**
     * One coordinate system.
     *
     * @param title above it, with the unit
     * @param series its lines
     */
    record Panel(String title, List<Series> series) {}

    private final String title;
    private final String axis;
    private final List<Double> places;
    private final List<Panel> panels;
    private final StringBuilder svg = new StringBuilder();

    /**
     * @param title of the chart
     * @param axis what the horizontal axis is
     * @param places on the horizontal axis, ascending
     */
    LineChart(String title, String axis, List<Double> places, List<Panel> panels) {
        this.title = title;
        this.axis = axis;
        this.places = places;
        this.panels = panels;
    }

    /** The chart as a document. */
    String toSvg() {
        svg.setLength(0);
        List<Series> legend = panels.get(0).series();
        int width = Math.max(1, panels.size()) * PANEL_WIDTH;
        int columns = Math.max(1, width / LEGEND_COLUMN);
        int lines = (legend.size() + columns - 1) / columns;
        int height = PANEL_HEIGHT + lines * LEGEND_LINE + 12;
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\""
                        + " height=\"%d\" role=\"img\">",
                width, height, width, height);
        add("<title>%s</title>", escape(title));
        svg.append(
                """
                <style>
                svg { background: #ffffff; --ink: #1b1b1b; --line: #c8c8c8 }
                text { font: 12px system-ui, sans-serif; fill: var(--ink) }
                .title { font-weight: 600; font-size: 15px }
                .grid { stroke: var(--line); stroke-width: 1 }
                .series { fill: none; stroke-width: 2 }
                @media (prefers-color-scheme: dark) {
                  svg { background: #16191d; --ink: #e6e6e6; --line: #3c4249 }
                }
                </style>
                """);
        add("<text class=\"title\" x=\"12\" y=\"22\">%s</text>", escape(title));
        for (int i = 0; i < panels.size(); i++) {
            panel(panels.get(i), i * PANEL_WIDTH);
        }
        for (int i = 0; i < legend.size(); i++) {
            legend(
                    legend.get(i),
                    12 + i % columns * LEGEND_COLUMN,
                    PANEL_HEIGHT + 14 + i / columns * LEGEND_LINE);
        }
        svg.append("</svg>\n");
        return svg.toString();
    }

    private void panel(Panel panel, int from) {
        double top = 0;
        for (Series series : panel.series()) {
            for (double value : series.values()) {
                top = Double.isNaN(value) ? top : Math.max(top, value);
            }
        }
        double step = niceStep(top / 5);
        double most = Math.max(step, Math.ceil(top / step - 1e-9) * step);
        add("<text x=\"%d\" y=\"%d\">%s</text>", from + LEFT, TOP - 14, escape(panel.title()));
        for (double value = 0; value <= most + step / 2; value += step) {
            double y = y(value, most);
            add(
                    "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>",
                    from + LEFT, y, from + PANEL_WIDTH - RIGHT, y);
            add(
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                    from + LEFT - 6, y + 4, number(value));
        }
        double lastLabel = Double.NEGATIVE_INFINITY;
        for (double place : places) {
            double x = from + x(place);
            if (x - lastLabel >= 30) {
                add(
                        "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                        x, PANEL_HEIGHT - BOTTOM + 16, number(place));
                lastLabel = x;
            }
        }
        add(
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                from + (LEFT + PANEL_WIDTH - RIGHT) / 2, PANEL_HEIGHT - BOTTOM + 34, escape(axis));
        for (Series series : panel.series()) {
            series(series, from, most);
        }
    }

    private void series(Series series, int from, double most) {
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < places.size(); i++) {
            double value = series.values().get(i);
            if (!Double.isNaN(value)) {
                points.append(
                        String.format(
                                Locale.ROOT,
                                "%.1f,%.1f ",
                                from + x(places.get(i)),
                                y(value, most)));
            }
        }
        if (!points.isEmpty()) {
            add(
                    "<polyline class=\"series\" stroke=\"%s\"%s points=\"%s\"/>",
                    colour(series),
                    series.dashed() ? " stroke-dasharray=\"5 4\"" : "",
                    points.toString().trim());
        }
    }

    private void legend(Series series, int x, int y) {
        add(
                "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\""
                        + " stroke-width=\"2\"%s/>",
                x,
                y,
                x + 24,
                y,
                colour(series),
                series.dashed() ? " stroke-dasharray=\"5 4\"" : "");
        add("<text x=\"%d\" y=\"%d\">%s</text>", x + 30, y + 4, escape(series.name()));
    }

    private double x(double place) {
        double first = places.get(0);
        double span = Math.max(1e-9, places.get(places.size() - 1) - first);
        return LEFT + (place - first) / span * (PANEL_WIDTH - LEFT - RIGHT);
    }

    private static double y(double value, double most) {
        return PANEL_HEIGHT - BOTTOM - value / most * (PANEL_HEIGHT - BOTTOM - TOP);
    }

    private static String colour(Series series) {
        return COLOURS.get(series.colour() % COLOURS.size());
    }

    /** 1, 2 or 5 times a power of ten, not below. */
    private static double niceStep(double least) {
        if (!(least > 0)) {
            return 1;
        }
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        for (double factor : new double[] {1, 2, 5}) {
            if (factor * power >= least * 0.999) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    private static String number(double value) {
        String text = String.format(Locale.ROOT, "%.3f", value);
        return text.replaceFirst("\\.?0+$", "");
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private void add(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
