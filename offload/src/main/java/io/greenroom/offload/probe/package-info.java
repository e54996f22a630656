/** Quick measurements of what a model will run on, before it is loaded. */
@NullMarked
package io.greenroom.offload.probe;

import org.jspecify.annotations.NullMarked;
