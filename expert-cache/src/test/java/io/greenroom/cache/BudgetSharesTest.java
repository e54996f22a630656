package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.BudgetShares.Claim;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class BudgetSharesTest {

    private static final long MIB = 1 << 20;

    @Test
    void equalsShareEqually() {
        List<Claim> two = List.of(claim("a", 2, 100, 1), claim("b", 2, 100, 1));
        assertThat(BudgetShares.divide(mib(30), two)).containsExactly(15, 15);
    }

    @Test
    void weightsDivideWhatIsThere() {
        List<Claim> two = List.of(claim("a", 2, 100, 3), claim("b", 2, 100, 1));
        assertThat(BudgetShares.divide(mib(40), two)).containsExactly(30, 10);
    }

    @Test
    void nobodyGoesBelowItsFloor() {
        List<Claim> two = List.of(claim("a", 2, 100, 9), claim("b", 12, 100, 1));
        assertThat(BudgetShares.divide(mib(20), two)).containsExactly(8, 12);
    }

    @Test
    void whatOneCannotUseGoesToTheOthers() {
        List<Claim> two = List.of(claim("a", 2, 5, 9), claim("b", 2, 100, 1));
        assertThat(BudgetShares.divide(mib(20), two)).containsExactly(5, 15);
    }

    @Test
    void floorsThatDoNotFitAreRefusedWithTheNumbers() {
        List<Claim> two = List.of(claim("olmoe", 8, 64, 1), claim("qwen", 16, 64, 2));
        assertThat(BudgetShares.divide(mib(24), two)).containsExactly(8, 16);
        assertThatThrownBy(() -> BudgetShares.divide(mib(23), two))
                .isInstanceOf(BudgetExceededException.class)
                .hasMessage(
                        "The total expert budget is 23.0 MiB, but the models cannot do with less"
                                + " than these: olmoe 8.0 MiB, qwen 16.0 MiB; raise the total,"
                                + " unload a model, or lower a floor where one was set");
    }

    @Test
    void claimsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> claim("a", 5, 4, 1))
                .hasMessage("No model can claim 5 to 4 slots of 1048576 bytes with weight 1");
        assertThatThrownBy(() -> claim("a", 0, 4, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> claim("a", 1, 4, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Property
    void sharesKeepEveryRule(
            @ForAll("claims") List<Claim> claims,
            @ForAll @LongRange(min = 0, max = 9000) long mib) {
        long floors = claims.stream().mapToLong(claim -> claim.bytes(claim.least())).sum();
        if (floors > mib * MIB) {
            assertThatThrownBy(() -> BudgetShares.divide(mib(mib), claims))
                    .isInstanceOf(BudgetExceededException.class);
            return;
        }
        int[] slots = BudgetShares.divide(mib(mib), claims);
        long left = mib * MIB;
        for (int i = 0; i < slots.length; i++) {
            assertThat(slots[i]).isBetween(claims.get(i).least(), claims.get(i).most());
            left -= claims.get(i).bytes(slots[i]);
        }
        assertThat(left).isNotNegative();
        for (int i = 0; i < slots.length; i++) {
            boolean full = slots[i] == claims.get(i).most();
            assertThat(full || claims.get(i).slotBytes() > left)
                    .as("%s could have one slot more of %s left", claims.get(i), left)
                    .isTrue();
        }
    }

    /** Of two models between their limits, neither has more for its weight by over a slot. */
    @Property
    void sharesAreFairByWeight(
            @ForAll("claims") List<Claim> any, @ForAll @LongRange(min = 0, max = 9000) long mib) {
        List<Claim> claims = new ArrayList<>();
        for (Claim claim : any) {
            claims.add(
                    new Claim(claim.name(), MIB, 0, claim.least(), claim.most(), claim.weight()));
        }
        Assume.that(claims.stream().mapToLong(Claim::least).sum() <= mib);
        int[] slots = BudgetShares.divide(mib(mib), claims);
        for (int i = 0; i < slots.length; i++) {
            for (int j = 0; j < slots.length; j++) {
                boolean couldGive = slots[i] > claims.get(i).least();
                boolean couldTake = slots[j] < claims.get(j).most();
                if (couldGive && couldTake) {
                    double mine = (double) slots[i] / claims.get(i).weight();
                    double theirsWithOneMore = (slots[j] + 1.0) / claims.get(j).weight();
                    assertThat(mine).isLessThanOrEqualTo(theirsWithOneMore + 1e-9);
                }
            }
        }
    }

    @Provide
    Arbitrary<List<Claim>> claims() {
        return Combinators.combine(
                        Arbitraries.longs().between(1, 5),
                        Arbitraries.integers().between(1, 60),
                        Arbitraries.integers().between(0, 2000),
                        Arbitraries.integers().between(1, 9))
                .as(
                        (mib, least, more, weight) ->
                                new Claim("m", mib * MIB, weight, least, least + more, weight))
                .list()
                .ofMinSize(1)
                .ofMaxSize(6);
    }

    private static Claim claim(String name, int least, int most, int weight) {
        return new Claim(name, MIB, 0, least, most, weight);
    }

    private static ByteSize mib(long count) {
        return new ByteSize(count * MIB);
    }
}
