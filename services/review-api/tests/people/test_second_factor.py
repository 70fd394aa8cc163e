"""The second factor: codes, recovery codes, and what happens until it is shown."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select, text

from coop_review_api.kernel.schema import audit_log
from coop_review_api.people.factor import matching_step
from coop_review_api.people.table import recovery_codes, sessions
from coop_review_api.people.token import hash_of
from coop_runtime.database.engine import transaction

engines = pytest.mark.engines

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B (SHA-1): the last six digits of each."""
    now = datetime.fromtimestamp(at, UTC)
    assert matching_step(RFC_SECRET, code[-6:], now=now, after=None) == at // 30


def test_a_code_is_good_for_its_own_step_and_its_neighbours_and_never_backwards() -> None:
    """Clocks may be 30 s apart; a step that was used, and all before it, are refused."""
    one = pyotp.TOTP(RFC_SECRET)
    now = datetime.fromtimestamp(3_000_000, UTC)
    present = 100_000
    good = [
        step - present
        for step in range(present - 4, present + 5)
        if matching_step(RFC_SECRET, one.generate_otp(step), now=now, after=None) is not None
    ]
    assert good == [-1, 0, 1]
    for after, fits in ((present - 1, True), (present, False), (present + 1, False)):
        found = matching_step(RFC_SECRET, one.generate_otp(present), now=now, after=after)
        assert (found is not None) == fits
    for wrong in ("", "abcdef", "０" * 6, "1" * 40):
        assert matching_step(RFC_SECRET, wrong, now=now, after=None) is None


class Account:
    """The organisation's first administrator, signed in by password."""

    def __init__(self, http: Any, org: Any, password: str, clock: Any) -> None:
        self.http = http
        self.email = org.admin_email
        self.user_id = org.admin_id
        self.password = password
        self.clock = clock
        self.secret = ""
        self.codes: list[str] = []

    def code(self) -> str:
        """A code that was not used: half a minute later than the one before."""
        self.clock.forward(seconds=30)
        return str(pyotp.TOTP(self.secret).at(self.clock()))

    async def log_in(self) -> Any:
        body = {"email": self.email, "password": self.password}
        answer = await self.http.post("/v1/session", json=body)
        if answer.status_code == 200:
            self.http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
        return answer

    async def answer(self, challenge: str, code: str) -> Any:
        body = {"challenge": challenge, "code": code}
        answer = await self.http.post("/v1/session/second-factor", json=body)
        if answer.status_code == 200:
            self.http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
        return answer

    async def challenge(self) -> str:
        answer = await self.log_in()
        assert answer.status_code == 202, answer.text
        return str(answer.json()["challenge"])

    async def begin(self) -> Any:
        answer = await self.http.post("/v1/me/second-factor", json={"password": self.password})
        if answer.status_code == 200:
            self.secret = answer.json()["secret"]
        return answer

    async def confirm(self) -> Any:
        answer = await self.http.post("/v1/me/second-factor/confirm", json={"code": self.code()})
        if answer.status_code == 200:
            self.codes = answer.json()["recoveryCodes"]
        return answer

    async def enrol(self) -> None:
        assert (await self.log_in()).status_code == 200
        assert (await self.begin()).status_code == 200
        assert (await self.confirm()).status_code == 200


@pytest.fixture
def account(http: Any, org: Any, kit: Any, clock: Any, fresh_throttle: None) -> Account:
    return Account(http, org, kit.password, clock)


@engines
async def test_it_is_set_up_and_asked_for(account: Account, context: Any) -> None:
    """Secret, confirmation, codes; from then on the password alone makes no session."""
    await account.log_in()
    begun = await account.begin()
    assert begun.json()["uri"].startswith("otpauth://totp/Coop:")
    wrong = await account.http.post("/v1/me/second-factor/confirm", json={"code": "000000"})
    assert wrong.status_code == 422
    assert (await account.log_in()).status_code == 200, "not in force until it is confirmed"
    assert (await account.confirm()).status_code == 200
    assert len(set(account.codes)) == 10
    view = (await account.http.get("/v1/me/second-factor")).json()
    assert view == {"isSetUp": True, "recoveryCodesLeft": 10}
    assert (await account.begin()).status_code == 409
    account.http.cookies.clear()
    challenged = await account.log_in()
    assert challenged.status_code == 202
    assert set(challenged.json()) == {"challenge", "expiresAt"}
    assert "set-cookie" not in challenged.headers
    assert (await account.http.get("/v1/session")).status_code == 401
    admitted = await account.answer(challenged.json()["challenge"], account.code())
    assert admitted.status_code == 200, admitted.text
    async with transaction(context.engine) as connection:
        stored = await connection.scalar(
            text("SELECT string_agg(f::text, '') FROM review.second_factors f")
        )
        hashes = list(await connection.scalars(select(recovery_codes.c.code_hash)))
    assert account.secret not in stored
    assert all(len(one) == 32 for one in hashes)


@engines
async def test_nothing_tells_of_a_factor_before_the_password(account: Account) -> None:
    """A wrong password is refused in the same words with a factor as without."""
    body = {"email": account.email, "password": "wrong password!!"}
    before = (await account.http.post("/v1/session", json=body)).json()
    await account.enrol()
    account.http.cookies.clear()
    after = (await account.http.post("/v1/session", json=body)).json()
    assert {**before, "requestId": ""} == {**after, "requestId": ""}


@engines
async def test_a_code_is_good_once(account: Account, context: Any) -> None:
    """Watched over a shoulder it opens nothing: not again, not at once, not one before it."""
    await account.enrol()
    account.http.cookies.clear()
    challenge = await account.challenge()
    earlier, code = account.code(), account.code()
    assert (await account.answer(challenge, code)).status_code == 200
    again = await account.challenge()
    for used in (code, earlier):
        assert (await account.answer(again, used)).status_code == 401
    fresh_code = account.code()
    challenges = [await account.challenge()]
    answers = await asyncio.gather(*(account.answer(challenges[0], fresh_code) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 401, 401, 401, 401]


@engines
async def test_the_code_of_enrolment_is_used_up(account: Account) -> None:
    """What confirmed the factor does not sign in as well."""
    await account.log_in()
    await account.begin()
    code = account.code()
    done = await account.http.post("/v1/me/second-factor/confirm", json={"code": code})
    assert done.status_code == 200
    account.http.cookies.clear()
    assert (await account.answer(await account.challenge(), code)).status_code == 401


@engines
async def test_a_recovery_code_is_good_once(account: Account) -> None:
    """In place of a code, however it is typed; then never again; new ones end the old."""
    await account.enrol()
    account.http.cookies.clear()
    first, second = account.codes[:2]
    typed = first.upper().replace("-", " ")
    assert (await account.answer(await account.challenge(), typed)).status_code == 200
    left = (await account.http.get("/v1/me/second-factor")).json()["recoveryCodesLeft"]
    assert left == 9
    assert (await account.answer(await account.challenge(), first)).status_code == 401
    body = {"password": account.password}
    at = "/v1/me/second-factor/recovery-codes"
    assert (await account.http.post(at, json={"password": "wrong one"})).status_code == 422
    renewed = (await account.http.post(at, json=body)).json()["recoveryCodes"]
    assert not set(renewed) & set(account.codes)
    challenge = await account.challenge()
    assert (await account.answer(challenge, second)).status_code == 401
    assert (await account.answer(challenge, renewed[0])).status_code == 200


@engines
async def test_anothers_recovery_code_opens_nothing(
    account: Account, admin: Any, context: Any
) -> None:
    """A code counts for its owner alone, and stays good for them."""
    await account.enrol()
    account.http.cookies.clear()
    code, of_admin = "abcd" * 4, recovery_codes.c.user_id == admin.user_id
    async with transaction(context.engine) as connection:
        row = {"user_id": admin.user_id, "code_hash": hash_of(code)}
        await connection.execute(recovery_codes.insert().values(row))
    assert (await account.answer(await account.challenge(), code)).status_code == 401
    async with transaction(context.engine) as connection:
        used = await connection.scalar(select(recovery_codes.c.used_at).where(of_admin))
    assert used is None


@engines
async def test_guessing_codes_ends(account: Account, clock: Any, context: Any) -> None:
    """A challenge bears five wrong codes, at once or one by one; past five in a row even the right
    one waits, in whatever challenge."""
    await account.enrol()
    account.http.cookies.clear()
    challenge = await account.challenge()
    answers = await asyncio.gather(
        *(account.answer(challenge, f"{number:06}") for number in range(8))
    )
    # Whoever comes after the fifth failure was noted has to wait; that depends on their pace.
    assert {one.status_code for one in answers} <= {401, 429}
    assert await looked_at(context, account) == 5
    clock.forward(seconds=60)
    assert (await account.answer(challenge, account.code())).status_code == 401, "it is gone"
    challenge = await account.challenge()
    for number in range(5):
        assert (await account.answer(challenge, f"{number:06}")).status_code == 401
        clock.forward(seconds=0 if number == 4 else 60)
    another = await account.challenge()
    assert (await account.answer(another, account.codes[0])).status_code == 429
    assert await looked_at(context, account) == 10
    clock.forward(seconds=60)
    assert (await account.answer(another, account.code())).status_code == 200


async def looked_at(context: Any, account: Account) -> int:
    """How many codes of this account were compared and refused."""
    async with transaction(context.engine) as connection:
        found = await connection.scalar(
            select(func.count())
            .select_from(audit_log)
            .where(
                audit_log.c.actor == account.user_id,
                audit_log.c.action == "session.refused",
                audit_log.c.detail["method"].astext == "SECOND_FACTOR",
            )
        )
    return int(found or 0)


@engines
async def test_challenges_end(account: Account, clock: Any, admin: Any) -> None:
    """After five minutes, after use, with a new password, with the account; forged ones never
    were."""
    await account.enrol()
    account.http.cookies.clear()
    challenge = await account.challenge()
    clock.forward(minutes=5, seconds=1)
    assert (await account.answer(challenge, account.code())).status_code == 401
    assert (await account.answer("A" * 43, account.code())).status_code == 401
    challenge = await account.challenge()
    assert (await account.answer(challenge, account.code())).status_code == 200
    assert (await account.answer(challenge, account.code())).status_code == 401
    challenge = await account.challenge()
    disabled = await admin.call("POST", f"/v1/users/{account.user_id}/disable")
    assert disabled.status_code == 200
    assert (await account.answer(challenge, account.code())).status_code == 401


@engines
async def test_a_session_left_open_does_not_change_it(account: Account) -> None:
    """Setting up, renewing and removing need the password."""
    await account.log_in()
    for path in ("", "/recovery-codes", "/remove"):
        answer = await account.http.post(
            f"/v1/me/second-factor{path}", json={"password": "not the password"}
        )
        assert answer.status_code == 422, path
    await account.begin()
    await account.confirm()
    body = {"password": account.password}
    removed = await account.http.post("/v1/me/second-factor/remove", json=body)
    assert removed.status_code == 204
    account.http.cookies.clear()
    assert (await account.log_in()).status_code == 200


@engines
async def test_setting_it_up_ends_other_sessions(account: Account, context: Any) -> None:
    """Whoever was signed in with the password alone is not any more."""
    await account.log_in()
    stolen = account.http.cookies["coop_session"]
    account.http.cookies.clear()
    await account.enrol()
    account.http.cookies.clear()
    account.http.cookies.set("coop_session", stolen)
    assert (await account.http.get("/v1/session")).status_code == 401


@engines
async def test_where_it_is_required_nothing_else_is_open(
    account: Account, admin: Any, app: Any, context: Any
) -> None:
    """Until it is set up every other route is closed, to those who are signed in already too; then
    everything is open, and it cannot be removed."""
    await account.log_in()
    settings = {"name": "Acme", "requiresSecondFactor": True}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    seen = (await account.http.get("/v1/session")).json()
    assert seen["mustSetUpSecondFactor"] is True
    for method, path in (
        ("GET", "/v1/users"),
        ("GET", "/v1/me/sessions"),
        ("PUT", "/v1/me/password"),
        ("GET", "/v1/notifications"),
        ("GET", "/v1/queues"),
    ):
        answer = await account.http.request(method, path)
        assert answer.status_code == 403, path
        assert "second factor" in answer.json()["detail"]
    assert (await account.begin()).status_code == 200
    assert (await account.http.get("/v1/users")).status_code == 403, "begun is not done"
    assert (await account.confirm()).status_code == 200
    assert (await account.http.get("/v1/users")).status_code == 200
    assert (await account.http.get("/v1/session")).json()["mustSetUpSecondFactor"] is False
    body = {"password": account.password}
    kept = await account.http.post("/v1/me/second-factor/remove", json=body)
    assert kept.status_code == 409
    async with transaction(context.engine) as connection:
        await connection.execute(
            sessions.update()
            .where(sessions.c.user_id == admin.user_id)
            .values(method="SINGLE_SIGN_ON")
        )
    # Who signs in elsewhere shows their second factor there.
    assert (await admin.call("GET", "/v1/users")).status_code == 200


@engines
async def test_an_administrator_takes_a_lost_one_away(
    account: Account, admin: Any, context: Any, org: Any
) -> None:
    """Its owner is signed out and signs in with the password; the audit log says who did it. Not
    for oneself: that needs the password."""
    await account.enrol()
    at = f"/v1/users/{account.user_id}/second-factor"
    assert (await account.http.delete(at)).status_code == 409
    assert (await admin.call("DELETE", at)).status_code == 204
    assert (await admin.call("DELETE", at)).status_code == 409
    assert (await account.http.get("/v1/session")).status_code == 401
    account.http.cookies.clear()
    assert (await account.log_in()).status_code == 200
    async with transaction(context.engine) as connection:
        actor = await connection.scalar(
            select(audit_log.c.actor).where(
                audit_log.c.org_id == org.org_id,
                audit_log.c.action == "second-factor.reset",
                audit_log.c.target_id == account.user_id,
            )
        )
    assert actor == admin.user_id


@engines
async def test_a_reset_password_does_not_reset_the_factor(account: Account, admin: Any) -> None:
    """Whoever reads somebody's mail still lacks the code."""
    await account.enrol()
    made = await admin.call("POST", f"/v1/users/{account.user_id}/reset-link")
    account.http.cookies.clear()
    account.password = "seven quiet lamps 19"
    body = {"token": made.json()["link"].partition("#")[2], "password": account.password}
    assert (await account.http.post("/v1/password-resets/use", json=body)).status_code == 204
    assert (await account.log_in()).status_code == 202
