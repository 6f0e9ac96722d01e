"""Languages of documents: text search configurations of PostgreSQL, and the matching tags of BCP 47."""

CONFIGURATIONS = {
    "arabic": "ar",
    "armenian": "hy",
    "basque": "eu",
    "catalan": "ca",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "estonian": "et",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hindi": "hi",
    "hungarian": "hu",
    "indonesian": "id",
    "irish": "ga",
    "italian": "it",
    "lithuanian": "lt",
    "nepali": "ne",
    "norwegian": "no",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "serbian": "sr",
    "spanish": "es",
    "swedish": "sv",
    "tamil": "ta",
    "turkish": "tr",
    "yiddish": "yi",
}
"""Language subtags by name of the configuration. PostgreSQL 15 has no estonian; it indexes such documents as simple."""
SIMPLE = "simple"
"""Words as they are, for all other languages."""

_BY_SUBTAG = {subtag: name for name, subtag in CONFIGURATIONS.items()} | {"nb": "norwegian", "nn": "norwegian"}
_OTHERS = frozenset(
    [
        "af",
        "am",
        "az",
        "be",
        "bg",
        "bn",
        "bs",
        "cs",
        "cy",
        "eo",
        "fa",
        "fo",
        "gl",
        "gu",
        "he",
        "hr",
        "is",
        "ja",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "ky",
        "la",
        "lb",
        "lo",
        "lv",
        "mi",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "mt",
        "my",
        "or",
        "pa",
        "pl",
        "ps",
        "qu",
        "sa",
        "sd",
        "si",
        "sk",
        "sl",
        "so",
        "sq",
        "sw",
        "te",
        "tg",
        "th",
        "tk",
        "tl",
        "tt",
        "uk",
        "ur",
        "uz",
        "vi",
        "wo",
        "xh",
        "yo",
        "zh",
        "zu",
        "mul",
        "und",
    ]
)


def find_configuration(language: str) -> str:
    """Find the text search configuration for a name (`german`) or a tag (`de-AT`). Raises ValueError otherwise."""
    given = language.strip().lower()
    if given in CONFIGURATIONS or given == SIMPLE:
        return given
    subtags = given.replace("_", "-").split("-")
    if all(subtag.isascii() and subtag.isalnum() and len(subtag) <= 8 for subtag in subtags):
        if subtags[0] in _BY_SUBTAG:
            return _BY_SUBTAG[subtags[0]]
        if subtags[0] in _OTHERS:
            return SIMPLE
    raise ValueError(
        "unknown language: use a text search configuration of PostgreSQL (english, simple) or a tag (en-GB)"
    )
