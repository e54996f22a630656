package io.greenroom.it.container;

import org.jboss.arquillian.container.spi.client.container.DeployableContainer;
import org.jboss.arquillian.container.weld.embedded.WeldMockContainer;
import org.jboss.arquillian.core.spi.LoadableExtension;

/**
 * Puts the container of this run in the place of Weld, which is on the class path for the runs that
 * are about injection: Arquillian takes one container, and the one that is there.
 */
public final class GreenroomContainers implements LoadableExtension {

    @Override
    public void register(ExtensionBuilder builder) {
        switch (ServerReport.container()) {
            case EmbeddedHostContainer.NAME -> use(builder, EmbeddedHostContainer.class);
            case DjlServingContainer.NAME -> use(builder, DjlServingContainer.class);
            default -> {
                // Weld stays.
            }
        }
    }

    private static void use(
            ExtensionBuilder builder, Class<? extends DeployableContainer<?>> container) {
        builder.override(DeployableContainer.class, WeldMockContainer.class, container);
    }
}
