package io.greenroom.offload.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Another number of experts may be resident from now on. */
@Name(BudgetChangeEvent.NAME)
@Label("Budget Change")
@Description(
        "Another number of experts may be resident from now on: because somebody asked for it, or"
                + " because models that share a total budget came or went")
@Category({"Greenroom", "Experts"})
@StackTrace(false)
final class BudgetChangeEvent extends Event {

    static final String NAME = "greenroom.BudgetChange";

    @Label("Model")
    @Description("File or folder the model was loaded from")
    String model = "";

    @Label("Low-bit Copies")
    @Description("Whether it is the slots of low-bit copies that changed")
    boolean copies;

    @Label("Slots Before")
    @Description("Experts that fitted")
    int slotsBefore;

    @Label("Slots After")
    @Description("Experts that fit, once those too many have left")
    int slotsAfter;

    @Label("Bytes Before")
    @DataAmount
    long bytesBefore;

    @Label("Bytes After")
    @DataAmount
    long bytesAfter;
}
