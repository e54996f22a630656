package io.greenroom.offload.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** An expert left its slot. */
@Name(ExpertEvictionEvent.NAME)
@Label("Expert Eviction")
@Description("An expert left its slot, for another one or because the budget shrank")
@Category({"Greenroom", "Experts"})
@StackTrace(false)
final class ExpertEvictionEvent extends Event {

    static final String NAME = "greenroom.ExpertEviction";

    @Label("Model")
    @Description("File or folder the model was loaded from")
    String model = "";

    @Label("Layer")
    int layer;

    @Label("Expert")
    int expert;

    @Label("Low-bit Copy")
    @Description("Whether it is the expert's low-bit copy that left")
    boolean copy;

    @Label("Never Used")
    @Description("Whether it had been read ahead and was not asked for since")
    boolean unused;
}
