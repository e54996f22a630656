package io.greenroom.plugin.heat;

import io.greenroom.plugin.config.PluginSettings;
import java.time.Duration;

/**
 * How heat is kept.
 *
 * @param publish whether it is published at all
 * @param interval between two looks at whether it should be
 * @param readTimeout longest wait for it to be read
 * @param warmTimeout longest wait for experts to be read because of it
 */
record HeatSettings(
        boolean publish, Duration interval, Duration readTimeout, Duration warmTimeout) {

    static HeatSettings of(PluginSettings settings) {
        return new HeatSettings(
                settings.heatPublish(),
                settings.heatInterval(),
                settings.heatReadTimeout(),
                settings.warmTimeout());
    }
}
