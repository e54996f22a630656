/** Predictors: which experts the layers ahead will likely ask for. */
@NullMarked
package io.greenroom.gating.predict;

import org.jspecify.annotations.NullMarked;
