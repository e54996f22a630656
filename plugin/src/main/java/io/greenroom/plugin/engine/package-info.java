/** The DJL engine: EngineProvider, Engine, Model and Predictor over an offloaded model. */
@NullMarked
package io.greenroom.plugin.engine;

import org.jspecify.annotations.NullMarked;
