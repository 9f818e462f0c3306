"""One colour and marker for each site, the same in every figure of a patient."""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrace.plotting.style import BLACK, BLUE, GREEN, MARKERS, ORANGE, PURPLE, SKY, VERMILION

_PRIMARY = "#8c8c8c"
_OTHERS = (GREEN, ORANGE, PURPLE, SKY, "#7A4B00", "#882255", "#999933", "#44AA99", BLACK, "#F0E442")


def site_colours(sites: Sequence[str], primary: str = "") -> dict[str, str]:
    """Return a colour for each site: grey the primary, blue marrow, vermilion blood.

    Parameters
    ----------
    sites : sequence of str
    primary : str
        Which of them is the primary; empty if none is.

    Examples
    --------
    >>> site_colours(["primary", "bone_marrow"], "primary")["bone_marrow"]
    '#0072B2'
    """
    found: dict[str, str] = {}
    free = list(_OTHERS)
    fixed = {"marrow": BLUE, "blood": VERMILION}
    for site in dict.fromkeys(sites):
        word = next((word for word in fixed if word in site.casefold()), "")
        if site == primary:
            found[site] = _PRIMARY
        elif word and fixed[word] not in found.values():
            found[site] = fixed[word]
        else:
            found[site] = free[len([c for c in found.values() if c in _OTHERS]) % len(free)]
    return found


def site_markers(sites: Sequence[str]) -> dict[str, str]:
    """Return a marker for each site, so that colour is not the only sign."""
    return {site: MARKERS[i % len(MARKERS)] for i, site in enumerate(dict.fromkeys(sites))}


def words(site: str) -> str:
    """Return the name of a site as text.

    Examples
    --------
    >>> words("left_adrenal_gland")
    'left adrenal gland'
    """
    return site.replace("_", " ")
