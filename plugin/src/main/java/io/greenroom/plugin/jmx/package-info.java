/** Loaded models as JMX MBeans: statistics, and the budget to be read and changed. */
@NullMarked
package io.greenroom.plugin.jmx;

import org.jspecify.annotations.NullMarked;
