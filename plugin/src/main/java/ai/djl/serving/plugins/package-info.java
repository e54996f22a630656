/** A compile-only declaration of the server's plugin interface. */
package ai.djl.serving.plugins;
