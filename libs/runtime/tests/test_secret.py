"""The vault: what is sealed opens only for whom it was sealed."""

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.secret.vault import SecretError, Vault, new_key, parse_keys

OLD, NEW = os.urandom(32), os.urandom(32)


@given(st.text(), st.text())
def test_what_goes_in_comes_out(plain: str, context: str) -> None:
    """Any text, under any context, comes back as it was."""
    vault = Vault([NEW])
    assert vault.decrypt(vault.encrypt(plain, context=context), context=context) == plain


def test_the_same_text_seals_differently_each_time() -> None:
    """Equal secrets cannot be told from their ciphertexts."""
    vault = Vault([NEW])
    assert vault.encrypt("a", context="c") != vault.encrypt("a", context="c")


def test_another_context_does_not_open_it() -> None:
    """A ciphertext moved to another organisation's document is useless."""
    sealed = Vault([NEW]).encrypt("a", context="org1/action/1")
    with pytest.raises(SecretError, match="org2/action/1"):
        Vault([NEW]).decrypt(sealed, context="org2/action/1")


def test_an_old_key_still_opens_and_is_told_to_be_stale() -> None:
    """After rotation old ciphertexts open, are stale, and new ones are made under the new key."""
    sealed = Vault([OLD]).encrypt("a", context="c")
    rotated = Vault([NEW, OLD])
    assert rotated.decrypt(sealed, context="c") == "a"
    assert rotated.is_stale(sealed)
    assert not rotated.is_stale(rotated.encrypt("a", context="c"))
    with pytest.raises(SecretError, match="no key"):
        Vault([NEW]).decrypt(sealed, context="c")


@given(st.data())
def test_an_altered_ciphertext_does_not_open(data: st.DataObject) -> None:
    """Any changed byte is found out."""
    sealed = Vault([NEW]).encrypt("secret", context="c")
    prefix, _, encoded = sealed.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(encoded))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    altered = prefix + "." + base64.urlsafe_b64encode(bytes(raw)).decode()
    with pytest.raises(SecretError):
        Vault([NEW]).decrypt(altered, context="c")


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.", "v1.abc.", "v2.a.b", "v1.abc.é", "v1.x.YQ==", "{}"]
)
def test_what_is_no_ciphertext_is_an_error(text: str) -> None:
    """Anything else is refused with a clear error, never opened or a crash."""
    with pytest.raises(SecretError):
        Vault([NEW]).decrypt(text, context="c")


def test_no_plain_text_and_no_key_in_what_is_shown() -> None:
    """Neither the vault's repr nor a ciphertext shows the key or the text."""
    vault = Vault([NEW])
    assert NEW.hex() not in repr(vault)
    assert "hunter2" not in vault.encrypt("hunter2", context="c")


def test_keys_are_checked() -> None:
    """A key of the wrong length or form is named by its position, not by its value."""
    with pytest.raises(ValueError, match="32 bytes"):
        Vault([b"short"])
    with pytest.raises(ValueError, match="at least one"):
        Vault([])
    with pytest.raises(ValueError, match="key 2 is not base64"):
        parse_keys(new_key() + ",???")
    with pytest.raises(ValueError, match="key 1 has 3 bytes"):
        parse_keys("YWJj")


def test_the_vault_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """The environment's keys make a vault; a missing or wrong one ends with the variable's name."""
    key = new_key()
    settings = RuntimeSettings(internal_port=1, secret_keys=f"{key}, {new_key()}")  # type: ignore[arg-type]
    sealed = Vault([base64.b64decode(key)]).encrypt("a", context="c")
    assert Vault.of(settings).decrypt(sealed, context="c") == "a"
    for wrong in ("", "c2hvcnQ="):
        with pytest.raises(SystemExit) as stop:
            Vault.of(RuntimeSettings(internal_port=1, secret_keys=wrong))  # type: ignore[arg-type]
        assert stop.value.code == 2
        printed = capsys.readouterr().err
        assert "COOP_SECRET_KEYS" in printed
        assert "c2hvcnQ" not in printed


def test_a_code_is_of_its_text_its_context_and_its_key() -> None:
    """What was authenticated is recognised, also after a rotation, and nothing else is."""
    code = Vault([OLD]).authenticate("head 7", context="anchor")
    rotated = Vault([NEW, OLD])
    assert rotated.authentic("head 7", code, context="anchor")
    assert not rotated.authentic("head 8", code, context="anchor")
    assert not rotated.authentic("head 7", code, context="other")
    assert not rotated.authentic("head 7", code[:-1] + "x", context="anchor")
    assert not rotated.authentic("head 7", "", context="anchor")
    with pytest.raises(SecretError):
        Vault([NEW]).authentic("head 7", code, context="anchor")


@given(st.binary(max_size=1000), st.text())
def test_bytes_are_sealed_as_texts_are(plain: bytes, context: str) -> None:
    """They come back under their key and context, after a rotation too, and in no other way."""
    sealed = Vault([OLD]).seal(plain, context=context)
    assert len(plain) < 8 or plain not in sealed
    assert Vault([NEW, OLD]).unseal(sealed, context=context) == plain
    for wrong in (sealed[:-1], b"", sealed + b"x"):
        with pytest.raises(SecretError):
            Vault([OLD]).unseal(wrong, context=context)
    with pytest.raises(SecretError):
        Vault([NEW]).unseal(sealed, context=context)
    with pytest.raises(SecretError):
        Vault([OLD]).unseal(sealed, context=context + "x")
