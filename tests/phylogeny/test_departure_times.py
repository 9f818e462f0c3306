import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.departure_times import departure_times
from marrowtrace.phylogeny.presence import call
from marrowtrace.phylogeny.sample_mutations import SampleMutations

FRACTIONS = np.array(
    [
        [1.0, 1.0, 1.0, 0.0, 0.0, 0.3],
        [1.0, 0.0, 0.0, 1.0, 0.0, 0.4],
        [1.0, 1.0, 1.0, 0.0, 0.2, 0.0],
    ]
)


def presence():
    return call(
        SampleMutations(
            ("p", "b", "l"), ("primary", "bone_marrow", "liver"),
            tuple(f"m{j}" for j in range(6)), ccf=FRACTIONS,
        )
    )  # fmt: skip


def test_counts_by_site():
    marrow, liver = departure_times(presence(), "primary").sites
    assert (marrow.primary_private, marrow.site_private, marrow.shared_subclonal) == (2, 1, 1)
    assert marrow.similarity.index == pytest.approx(1 / 4)
    assert (liver.primary_private, liver.site_private, liver.shared_subclonal) == (0, 0, 0)
    assert np.isnan(liver.similarity.index)


def test_times_where_asked_for():
    found = departure_times(presence(), "primary", expansion=4.0, clock=2.0)
    seeded, apart = found.sites[0].seeded, found.sites[0].apart
    assert seeded.years == pytest.approx((1 - 0.13 * 1 / 2) * 4.0)
    assert apart.years == pytest.approx(0.5)
    row = found.to_json()["sites"][1]
    assert row["seeded"] is None
    assert "Hu 2020" in row["seeded_meaning"]
    bare = departure_times(presence(), "primary").to_json()["sites"][0]
    assert bare["seeded"] is None
    assert bare["apart_meaning"] is None


def test_unknown_primary_is_refused():
    with pytest.raises(CohortError, match="'primry' is not a site; did you mean 'primary'"):
        departure_times(presence(), "primry")
