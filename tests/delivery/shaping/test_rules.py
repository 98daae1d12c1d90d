"""The rules: the packaged file is good, the operator's lies over it, and errors name their place."""

from datetime import date
from pathlib import Path

import pytest

from app.delivery.shaping import Limits, ShapingProblem, load_rules


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("aspmx.l.google.com", "google"),
        ("ALT1.gmail-smtp-in.l.google.com.", "google"),
        ("outlook-com.olc.protection.outlook.com", "outlook"),
        ("example-com.mail.protection.outlook.com", "microsoft365"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "apple"),
        ("mx00.emig.gmx.net", "united-internet"),
        ("smtp-in.orange.fr", "orange"),
        ("mxs.mail.ru", "mail-ru"),
        ("mx1.qq.com", "qq"),
    ],
)
def test_big_receivers_have_their_entry(host: str, name: str) -> None:
    rules = load_rules()
    limits = rules.limits(f"mx:{host}:25", [host])
    assert limits == next(rule.limits for rule in rules.sites if rule.name == name)
    assert limits.rate is not None


def test_a_site_without_entry_has_the_default_and_a_relay_only_its_connections() -> None:
    rules = load_rules(connections=7)
    assert rules.limits("mx:mail.example.com:25", ["mail.example.com"]) == rules.default
    assert rules.default.rate is None
    assert rules.limits("relay:mail.example.com:25", ["mail.example.com"]) == Limits(
        connections=7, messages_per_connection=1_000, shared=False
    )
    assert rules.limits("mx:notgoogle.com:25", ["notgoogle.com"]) == rules.default, "a suffix is a whole label"


def test_the_preferred_server_decides() -> None:
    rules = load_rules()
    assert rules.limits("mx:x", ["mx.unknown.test", "mx1.qq.com"]) == rules.limits("mx:y", ["mx1.qq.com"])
    both = rules.limits("mx:x", ["smtp-in.orange.fr", "mx1.qq.com"])
    assert both == rules.limits("mx:y", ["smtp-in.orange.fr"])


def test_the_operators_file_changes_what_it_names(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [default]
        connections = 3
        rate = "90/minute"
        [[site]]
        name = "google"
        rate = "5000/hour"
        [[site]]
        name = "ours"
        hosts = ["relay.example.com", "*.l.google.com"]
        rate = 2.5
        circuit_seconds = 60
        [warmup."News.Example.com"]
        started_on = 2026-11-20
        per_day = [50, 100]
        """,
    )
    rules, packaged = load_rules(path), load_rules()
    assert rules.default == Limits(connections=3, rate=1.5)
    google = rules.limits("mx:g", ["mx.google.com"])
    assert google.rate == pytest.approx(5000 / 3600)
    assert google.connections == packaged.limits("mx:g", ["mx.google.com"]).connections
    assert rules.limits("relay:relay.example.com:25", ["relay.example.com"]).rate == 2.5, (
        "an entry holds for a relay, too"
    )
    assert rules.limits("mx:o", ["relay.example.com"]).connections == 3, "an entry's blanks come from [default]"
    assert rules.limits("mx:q", ["mx1.qq.com"]).rate == packaged.limits("mx:q", ["mx1.qq.com"]).rate
    plan = rules.warmup("NEWS.example.com")
    assert plan is not None
    assert [plan.allowed(date(2026, 11, day)) for day in (19, 20, 21, 22)] == [0, 50, 100, None]
    assert rules.warmup("example.com") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[defaults]", "unknown table 'defaults'"),
        ("[default]\nspeed = 1", r"\[default\]: unknown field 'speed'"),
        ('[default]\nrate = "fast"', r"\[default\]: rate must be like"),
        ("[default]\nrate = 0", "rate must be like"),
        ("[default]\nrate = nan", "rate must be like"),
        ("[default]\nconnections = true", "connections must be a whole number"),
        ("[default]\nconnections = 0", "connections must be a whole number"),
        ("[default]\ncircuit_seconds = -1", "circuit_seconds must be seconds"),
        ("[default]\ncircuit_seconds = 1000", "circuit_seconds_max is less"),
        ("[site]\nname = 'x'", "double brackets"),
        ("[[site]]\nhosts = ['a']", "number 1 needs a name"),
        ("[[site]]\nname = 'x'", r"\[\[site\]\] 'x': hosts must be a list"),
        ("[[site]]\nname = 'x'\nhosts = ['a*b']", "'a\\*b' is neither"),
        ("[[site]]\nname = 'x'\nhosts = ['a']\n[[site]]\nname = 'x'\nhosts = ['b']", "two .* 'x'"),
        ("warmup = 3", "a warm-up plan begins with"),
        ("default = 3", "must be a table"),
        ("[warmup.'*.a']\nstarted_on = 2026-01-01\nper_day = [1]", "not a domain"),
        ("[warmup.'a.de']\nper_day = [1]", "needs started_on and per_day"),
        ("[warmup.'a.de']\nstarted_on = '2026-01-01'\nper_day = [1]", "started_on must be a date"),
        ("[warmup.'a.de']\nstarted_on = 2026-01-01\nper_day = []", "per_day must be a list"),
        ("[warmup.'a.de']\nstarted_on = 2026-01-01\nper_day = [0]", "per_day must be a whole number"),
        ("[warmup", "not valid TOML"),
    ],
)
def test_an_error_names_file_entry_and_field(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ShapingProblem, match=words) as caught:
        load_rules(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_too_large_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShapingProblem, match=r"missing\.toml: can't be read"):
        load_rules(tmp_path / "missing.toml")
    with pytest.raises(ShapingProblem, match="larger than"):
        load_rules(written(tmp_path, "#" * (1024 * 1024 + 1)))
