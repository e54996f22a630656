package io.greenroom.offload.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One stage in the life of an expert that is read ahead. */
@Name(ExpertPrefetchEvent.NAME)
@Label("Expert Prefetch")
@Description("An expert that is read ahead enters a stage; see the field stage")
@Category({"Greenroom", "Experts"})
@StackTrace(false)
final class ExpertPrefetchEvent extends Event {

    static final String NAME = "greenroom.ExpertPrefetch";

    /** What happens to a read ahead. */
    enum Stage {
        /** The read was begun. */
        ISSUED,
        /** The read completed before anybody asked for the expert. */
        ARRIVED,
        /** A layer asked for it and found it resident. */
        USED,
        /** A layer asked for it while it was still being read. */
        LATE,
        /** It was evicted before anybody asked for it. */
        WASTED,
        /** The read was given up before it reached the disk: the layer had passed. */
        CALLED_OFF,
        /** The read failed. */
        FAILED
    }

    @Label("Model")
    @Description("File or folder the model was loaded from")
    String model = "";

    @Label("Layer")
    int layer;

    @Label("Expert")
    int expert;

    @Label("Size")
    @Description("Bytes of the expert")
    @DataAmount
    long bytes;

    @Label("Stage")
    @Description(
            "ISSUED: the read began; ARRIVED: it completed before anybody asked; USED: a layer found"
                    + " the expert resident; LATE: a layer asked while it was being read; WASTED:"
                    + " evicted before anybody asked; CALLED_OFF: given up before it reached the"
                    + " disk; FAILED: the read failed")
    String stage = "";
}
