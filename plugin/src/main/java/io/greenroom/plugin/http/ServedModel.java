package io.greenroom.plugin.http;

import io.greenroom.plugin.engine.MoeEngineModel;
import org.jspecify.annotations.Nullable;

/**
 * A model of this engine as the server knows it.
 *
 * @param name the name it was registered by, which clients use
 * @param version the version it was registered by, or null
 * @param model what was loaded
 */
public record ServedModel(String name, @Nullable String version, MoeEngineModel model) {}
