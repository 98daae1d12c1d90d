"""Rotation: the first key encrypts, every one decrypts."""

import pytest

from app.kit.secrets import SecretUnreadable, Vault, derive

OLD, NEW = "o" * 32, "n" * 32


def test_what_an_old_key_sealed_is_readable_until_the_key_goes() -> None:
    sealed = Vault([OLD]).seal("the key")
    assert Vault([NEW, OLD]).open(sealed) == "the key"
    with pytest.raises(SecretUnreadable):
        Vault([NEW]).open(sealed)


def test_the_first_key_seals() -> None:
    sealed = Vault([NEW, OLD]).seal("the key")
    assert Vault([NEW]).open(sealed) == "the key"
    with pytest.raises(SecretUnreadable):
        Vault([OLD]).open(sealed)


def test_a_sealed_secret_is_not_readable_and_can_not_be_changed() -> None:
    sealed = Vault([NEW]).seal("the key")
    assert b"the key" not in sealed
    with pytest.raises(SecretUnreadable):
        Vault([NEW]).open(sealed[:-2] + b"xx")


def test_keys_of_different_purposes_differ() -> None:
    assert len({derive(NEW, "verp"), derive(NEW, "vault"), derive(OLD, "verp")}) == 3
