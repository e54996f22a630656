package io.greenroom.offload.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** A layer asked for an expert that was not resident; lasts until the expert was there. */
@Name(ExpertMissEvent.NAME)
@Label("Expert Miss")
@Description(
        "A layer asked for an expert that was not resident. Lasts from the question until the expert"
                + " was handed to the decoder, which may have computed others meanwhile.")
@Category({"Greenroom", "Experts"})
@StackTrace(false)
final class ExpertMissEvent extends Event {

    static final String NAME = "greenroom.ExpertMiss";

    @Label("Model")
    @Description("File or folder the model was loaded from")
    String model = "";

    @Label("Layer")
    int layer;

    @Label("Expert")
    int expert;

    @Label("Low-bit Copy")
    @Description("Whether it is the expert's low-bit copy that was asked for")
    boolean copy;

    @Label("Size")
    @Description("Bytes of the expert")
    @DataAmount
    long bytes;

    @Label("Stall Time")
    @Description("How long the decoder waited for this expert with nothing else to compute")
    @Timespan(Timespan.NANOSECONDS)
    long stall;
}
