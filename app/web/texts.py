"""The sentences of the pages, by language; `texts.toml` holds them all. Imports the standard library only."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

DEFAULT = "en"
MAX_HEADER = 200
"""Characters of Accept-Language that are looked at."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one language.

    Attributes:
        language: As in the `lang` attribute.
        sentences: By key.
    """

    language: str
    sentences: Mapping[str, str]

    def say(self, key: str, **values: str) -> str:
        """Return a sentence with its values filled in; they are not escaped.

        Raises:
            KeyError: There is no such sentence.
        """
        text = self.sentences[key]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def _load() -> dict[str, Texts]:
    content = tomllib.loads(files("app.web").joinpath("texts.toml").read_text(encoding="utf-8"))
    return {language: Texts(language, sentences) for language, sentences in content.items()}


LANGUAGES = _load()
"""By language."""


def texts_for(accepted: str) -> Texts:
    """Return the sentences in the language that is wanted most among those there are; English without one.

    Args:
        accepted: The header Accept-Language (RFC 9110, 12.5.4), of any form.
    """
    wanted: list[tuple[float, int, str]] = []
    for place, entry in enumerate(accepted[:MAX_HEADER].split(",")):
        name, _, weight = entry.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            wanted.append((-_quality(weight), place, language))
    found = min(wanted, default=(0.0, 0, DEFAULT))
    return LANGUAGES[found[2] if found[0] or not wanted else DEFAULT]


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
