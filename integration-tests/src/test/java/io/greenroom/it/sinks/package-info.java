/** What an operator's jar may bring: one sink that works and some that do not. */
package io.greenroom.it.sinks;
