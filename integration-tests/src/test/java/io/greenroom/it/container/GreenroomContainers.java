package io.greenroom.it.container;

import org.jboss.arquillian.container.spi.client.container.DeployableContainer;
import org.jboss.arquillian.core.spi.LoadableExtension;

/** Makes this suite's own containers known to Arquillian; arquillian.xml chooses among them. */
public final class GreenroomContainers implements LoadableExtension {

    @Override
    public void register(ExtensionBuilder builder) {
        builder.service(DeployableContainer.class, EmbeddedHostContainer.class);
        builder.service(DeployableContainer.class, DjlServingContainer.class);
    }
}
