package io.greenroom.it.container;

import org.jboss.arquillian.container.spi.client.container.ContainerConfiguration;

/** These containers take nothing from arquillian.xml. */
public final class NoConfiguration implements ContainerConfiguration {

    @Override
    public void validate() {
        // Nothing to check.
    }
}
