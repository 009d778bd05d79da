import pytest

from screens.theme import Colour, Theme, parse_colour, read_theme

#: Ground → what is written on it.
TEXT = {
    "page": ("ink", "second", "accent", "care"),
    "card": ("ink", "second", "accent", "accent_dark", "good", "care", "bad"),
    "sky": ("ink", "second", "accent", "accent_dark"),
    "sky_dark": ("ink",),
    "accent": ("on_accent",),
    "dark": ("on_dark",),
    "accent_dark": ("on_accent",),
    "good": ("card",),
    "good_soft": ("ink", "good"),
    "care": ("card",),
    "care_soft": ("ink", "care"),
    "bad": ("card",),
    "bad_soft": ("ink", "bad"),
    "muted_soft": ("second",),
    "key": ("ink",),
    "key_dull": ("ink",),
}


def luminance(colour: Colour) -> float:
    """WCAG 2.1, relative luminance."""
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=["normal", "high_contrast"])
def theme(request: pytest.FixtureRequest) -> Theme:
    return read_theme(request.param)


def test_every_text_stands_out_from_its_ground(theme: Theme) -> None:
    faint = {
        (ground, text): round(ratio, 2)
        for ground, texts in TEXT.items()
        for text in texts
        if (ratio := contrast(theme.colours[ground], theme.colours[text])) < 4.5
    }
    assert not faint


def test_both_themes_colour_the_same_things() -> None:
    assert read_theme("normal").colours.keys() == read_theme("high_contrast").colours.keys()


def test_base_text_is_large_enough_for_somebody_of_seventy() -> None:
    roles = read_theme("normal").roles
    assert roles["body"][0] >= 36
    assert min(size for size, _ in roles.values()) >= 26


def test_a_colour_may_be_half_transparent() -> None:
    assert parse_colour("#FF000080") == (1.0, 0.0, 0.0, 128 / 255)
